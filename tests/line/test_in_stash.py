"""The main line in Stash: tasks as a person starts them, through the real process and real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tagger.types import ItemRef
from tests.double import StashDouble
from tests.line.drawing import broken, picture
from tests.pages.asking import ask

BLACK_WHITE = "Black and white"


def said(stash: StashDouble, level: str = "info") -> str:
    return "\n".join(text for at, text in stash.log if at == level)


def fill(stash: StashDouble, folder: Path, n: int = 6) -> list[ItemRef]:
    """Images, every other one black and white, each with a tag of somebody's own."""
    return [stash.add_image(picture(folder / f"{i}.jpg", colour=i % 2 == 1, seed=i), tags=["mine"]) for i in range(n)]


def test_a_library_is_tagged_and_a_second_run_looks_at_nothing(stash: StashDouble, tmp_path: Path) -> None:
    refs = fill(stash, tmp_path / "pictures")
    job = stash.run_task("Tag library")
    assert job.status == "FINISHED", said(stash, "error")
    tags = stash.tags_by_item()
    for i, ref in enumerate(refs):
        assert (BLACK_WHITE in tags[ref]) == (i % 2 == 0), ref
        assert "mine" in tags[ref]
    assert stash.backups == 1
    assert stash.progress[-1] == pytest.approx(1.0)
    assert "6 looked at" in said(stash)

    stash.log.clear()
    stash.run_task("Tag library")
    assert "0 looked at" in said(stash) and "6 known already" in said(stash)
    assert stash.tags_by_item() == tags
    assert stash.backups == 1


def test_what_a_page_asks_is_not_in_the_log_and_what_a_task_says_is(stash: StashDouble) -> None:
    for mode, args in (("check", {}), ("models", {}), ("again", {"dryRun": True})):
        assert ask(stash, mode, **args)["lines"]
        assert not [text for level, text in stash.log if level not in ("debug", "progress")], mode
    stash.run_task("Check")
    assert "Settings in force:" in said(stash)


def test_undo_gives_the_state_before(stash: StashDouble, tmp_path: Path) -> None:
    fill(stash, tmp_path / "pictures")
    stash.add_tag("Elsewhere")
    before, names = stash.tags_by_item(), stash.tag_names()
    stash.run_task("Tag library")
    assert stash.tags_by_item() != before
    stash.log.clear()
    stash.run_task("Undo last run")
    assert said(stash).startswith("Taking back run 1, the library, ") and ": 6 tags." in said(stash).splitlines()[0]
    assert "The next 'Tag library' or 'Decide again' writes these again" in said(stash)
    assert stash.tags_by_item() == before
    assert stash.tag_names() == names
    stash.run_task("Undo last run")
    assert "nothing to undo" in said(stash) and not said(stash, "error")
    stash.run_task("Tag library")
    assert any(BLACK_WHITE in tags for tags in stash.tags_by_item().values())


def test_a_persons_own_tag_of_that_name_is_used_and_never_taken_away(stash: StashDouble, tmp_path: Path) -> None:
    stash.add_tag("Monochrome", aliases=["black & white", "Black and White"])
    ours = stash.add_image(picture(tmp_path / "a.jpg", colour=False, seed=1))
    theirs = stash.add_image(picture(tmp_path / "b.jpg", colour=False, seed=2), tags=["Monochrome"])
    stash.run_task("Tag library")
    assert "Monochrome" in stash.tags_by_item()[ours]
    assert BLACK_WHITE not in stash.tag_names()
    stash.run_task("Undo last run")
    assert "Monochrome" not in stash.tags_by_item()[ours]
    assert "Monochrome" in stash.tags_by_item()[theirs]


def test_what_a_person_removed_stays_away(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    refs = fill(stash, tmp_path / "pictures")
    stash.run_task("Tag library")
    stash.set_tags(refs[0], ["mine"])
    (data / "config.yml").write_text((data / "config.yml").read_text() + "limits: {most_tags: 19}\n")
    stash.run_task("Tag library")
    stash.run_task("Tag library")
    assert stash.tags_by_item()[refs[0]] == {"mine"}
    stash.run_task("Undo last run")
    assert stash.tags_by_item()[refs[0]] == {"mine"}


def test_try_it_writes_nothing_and_says_what_it_would_write(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    fill(stash, tmp_path / "pictures")
    before = stash.tags_by_item()
    job = stash.run_task("Try it")
    assert job.status == "FINISHED"
    assert stash.tags_by_item() == before and stash.backups == 0
    assert "nothing was written" in said(stash) and f"{BLACK_WHITE} (3)" in said(stash)
    assert "would take about" in said(stash)
    assert (data / "try" / "report.html").exists()


def test_a_broken_file_costs_only_itself(stash: StashDouble, tmp_path: Path) -> None:
    refs = fill(stash, tmp_path / "pictures")
    bad = stash.add_image(broken(tmp_path / "pictures" / "bad.jpg"))
    stash.run_task("Tag library")
    assert BLACK_WHITE in stash.tags_by_item()[refs[0]]
    assert "bad.jpg" in said(stash, "warning")
    stash.run_task("Tag library")
    stash.log.clear()
    stash.run_task("Tag library")
    assert "bad.jpg" not in said(stash, "warning"), "after two tries it is left alone"
    stash.replace_file(bad, picture(tmp_path / "pictures" / "bad2.jpg", colour=False, seed=77))
    stash.run_task("Tag library")
    assert BLACK_WHITE in stash.tags_by_item()[bad]


def test_a_gallery_gets_what_its_images_share_and_images_joining_later_count(
    stash: StashDouble, tmp_path: Path
) -> None:
    refs = fill(stash, tmp_path / "pictures", 4)
    gallery = stash.add_gallery(images=[refs[0], refs[2]], title="Old photographs")
    other = stash.add_gallery(images=[refs[1], refs[3]], title="Holidays")
    stash.run_task("Tag library")
    assert BLACK_WHITE in stash.tags_by_item()[gallery]
    assert BLACK_WHITE not in stash.tags_by_item()[other]
    for i in (10, 12):
        late = stash.add_image(picture(tmp_path / f"late{i}.jpg", colour=False, seed=i))
        stash.join(other, late)
    stash.run_task("Tag library")
    assert BLACK_WHITE in stash.tags_by_item()[other]


def test_new_files_are_tagged_after_a_scan_without_a_click(stash: StashDouble, tmp_path: Path) -> None:
    fill(stash, tmp_path / "pictures", 2)
    stash.run_task("Tag library")
    files = [picture(tmp_path / "new" / f"{i}.jpg", colour=False, seed=100 + i) for i in range(3)]
    refs = stash.scan_in(files)
    stash.wait_idle()
    assert all(BLACK_WHITE in stash.tags_by_item()[ref] for ref in refs)
    queued = [job for job in stash.jobs.ended() if "new media" in job.description.lower()]
    assert len(queued) == 1, "one job however many files"


def test_settings_of_the_page_count(stash: StashDouble, tmp_path: Path) -> None:
    fill(stash, tmp_path / "pictures")
    stash.settings.clear()
    stash.settings.update({"blacklist": "black*", "skipBackup": True, "parentTag": "-"})
    stash.run_task("Tag library")
    assert BLACK_WHITE not in stash.tag_names() and stash.backups == 0
    stash.settings.clear()
    stash.settings.update({"skipBackup": True, "parentTag": "-", "neverCreateTags": True})
    stash.run_task("Tag library")
    assert BLACK_WHITE not in stash.tag_names()
    stash.settings.clear()
    stash.settings.update({"skipBackup": True, "parentTag": "-", "markApplied": "Seen by AI"})
    stash.run_task("Tag library")
    assert {BLACK_WHITE, "Seen by AI"} <= stash.tag_names() and "AI Tagger" not in stash.tag_names()
    stash.settings.clear()
    stash.settings.update({"applyPercent": 900})
    stash.run_task("Tag library")
    assert "applyPercent" in said(stash, "error") and "900" in said(stash, "error")


def test_check_says_every_setting_and_where_it_comes_from(stash: StashDouble) -> None:
    stash.settings.clear()
    stash.settings.update({"applyPercent": 85})
    stash.run_task("Check")
    text = said(stash)
    assert "thresholds.apply: 0.85   (Stash's settings)" in text
    assert "thresholds.keep: 0.3   (default)" in text
    assert "models.skip" in text and "(config.yml)" in text


def test_a_dead_library_ends_the_run_and_marks_nothing(stash: StashDouble, tmp_path: Path) -> None:
    fill(stash, tmp_path / "pictures")
    stash.fault("error500", "bulkImageUpdate", times=50)
    stash.run_task("Tag library")
    assert said(stash, "error")
    stash.run_task("Tag library")
    tags = stash.tags_by_item()
    assert sum(BLACK_WHITE in names for names in tags.values()) in (0, 3)


def test_a_long_run_lets_waiting_jobs_go_first(stash: StashDouble, tmp_path: Path, data: Path) -> None:
    fill(stash, tmp_path / "pictures", 80)
    (data / "config.yml").write_text((data / "config.yml").read_text() + "run: {slice_minutes: 0.000000001}\n")
    job_id = stash.start_task("Tag library")
    stash.add_job("Generating...", 0.1)
    stash.wait_idle()
    ended = [job.description for job in stash.jobs.ended()]
    first = next(i for i, d in enumerate(ended) if "Tag library" in d)
    other = next(i for i, d in enumerate(ended) if "Generating" in d)
    assert first < other < len(ended) - 1, f"{job_id}: {ended}"
    tags = stash.tags_by_item()
    assert sum(BLACK_WHITE in names for names in tags.values()) == 40
