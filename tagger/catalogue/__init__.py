"""The catalogue of models: what there is (``models/*.yaml``), and getting its files."""

from tagger.catalogue.fetch import DownloadPlan, Installed, PlannedFile, Source, fetch, listing, megabytes, plan, remove
from tagger.catalogue.load import SHIPPED, Catalogue, Preset, load, own_in_use, read
from tagger.catalogue.spec import (
    AnySpec,
    ClassifierSpec,
    DetectionTransformerSpec,
    FaceDetectorSpec,
    FaceEmbedderSpec,
    FileSpec,
    IdentitySpec,
    InputSpec,
    JurySpec,
    ModelSpec,
    MultiLabelSpec,
    YoloxSpec,
)

__all__ = [
    "SHIPPED",
    "AnySpec",
    "Catalogue",
    "ClassifierSpec",
    "DetectionTransformerSpec",
    "DownloadPlan",
    "FaceDetectorSpec",
    "FaceEmbedderSpec",
    "FileSpec",
    "IdentitySpec",
    "InputSpec",
    "Installed",
    "JurySpec",
    "ModelSpec",
    "MultiLabelSpec",
    "PlannedFile",
    "Preset",
    "Source",
    "YoloxSpec",
    "fetch",
    "listing",
    "load",
    "megabytes",
    "own_in_use",
    "plan",
    "read",
    "remove",
]
