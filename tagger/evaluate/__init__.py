"""How right we are: stored decisions against a ground truth. Nothing here looks at a picture again."""

from tagger.evaluate.measure import Case, Measured, measure
from tagger.evaluate.page import write_page
from tagger.evaluate.truth import Truth, coco_truth, csv_truth, file_cases, library_cases

__all__ = [
    "Case",
    "Measured",
    "Truth",
    "coco_truth",
    "csv_truth",
    "file_cases",
    "library_cases",
    "measure",
    "write_page",
]
