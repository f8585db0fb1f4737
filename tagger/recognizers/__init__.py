"""Frames → findings: one family of models a file, and the built-in ones that need no weights."""

from tagger.recognizers.build import EngineFactory, build, check

__all__ = ["EngineFactory", "build", "check"]
