"""Faces: found (YuNet), brought upright (five points), described by a vector (any ArcFace-like embedder)."""

from tagger.recognizers.faces.detect import FaceDetector, Found
from tagger.recognizers.faces.embed import FaceEmbedder, unit
from tagger.recognizers.faces.recognizer import FaceFinder, FaceRecognizer

__all__ = ["FaceDetector", "FaceEmbedder", "FaceFinder", "FaceRecognizer", "Found", "unit"]
