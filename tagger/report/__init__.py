"""What a run over a plain folder leaves behind: ``report.html`` for a person, ``tags.json`` for programs.

Both are written while the items stream by: memory does not grow with the library, and a report that could not be
finished leaves the former one as it was.
"""

from tagger.report.exchange import prediction_json, write_tags_json
from tagger.report.files import write_report
from tagger.report.values import FaceRow, ReportItem, ReportSummary

__all__ = ["FaceRow", "ReportItem", "ReportSummary", "prediction_json", "write_report", "write_tags_json"]
