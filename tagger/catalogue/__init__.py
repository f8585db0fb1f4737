"""The catalogue of models: what there is (``models/*.yaml``), and getting its files."""

from tagger.catalogue.fetch import DownloadPlan, Installed, PlannedFile, Source, fetch, listing, plan, remove
from tagger.catalogue.load import SHIPPED, Catalogue, Preset, load, read
from tagger.catalogue.spec import (
    AnySpec,
    ClassifierSpec,
    DetectionTransformerSpec,
    FileSpec,
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
    "FileSpec",
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
    "plan",
    "read",
    "remove",
]
