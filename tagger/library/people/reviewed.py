"""What was said of people in reviews, followed in the store of people: a yes teaches, a no holds for ever, and what is
taken back was never said."""

from __future__ import annotations

from tagger.answers import PEOPLE, Answer, Answers
from tagger.library.people.desk import Desk, teach
from tagger.people_store import Said


def follow_answers(desk: Desk, answers: Answers) -> bool:
    """Take in what is new, take back what doesn't stand any more; whether there was anything. It may be replayed."""
    standing = {answer.id: answer for answer in answers.answers(PEOPLE)}
    taken = desk.store.taken_in()
    if gone := taken - standing.keys():
        desk.store.unsay(gone)
    fresh = [answer for answer in standing.values() if answer.id not in taken]
    by_name = {person.name.casefold(): person.id for person in desk.store.people()} if fresh else {}
    known = [answer for answer in fresh if answer.question.tag_name.casefold() in by_name]
    for answer in known:
        _take_in(desk, answer, by_name[answer.question.tag_name.casefold()])
        desk.store.take_in([answer.id])
    return bool(gone or known)


def _take_in(desk: Desk, answer: Answer, person: int) -> None:
    question = answer.question
    if answer.say == "no":
        wrong = [e.id for e in desk.store.examples(person=person) if e.fingerprint == question.fingerprint]
        desk.store.take_back_examples(wrong, answer.id)
        desk.store.say([Said("not", question.fingerprint, (), person, question.ref, answer=answer.id)])
        return
    faces = desk.store.faces_of([question.fingerprint], desk.model)[question.fingerprint]
    mine = [face for face in faces if face.person == person][:1]
    teach(desk, desk.store.faces([face.id for face in mine]), person, answer.id)
    places = mine[0].face.places if mine else ()
    desk.store.say([Said("is", question.fingerprint, places, person, question.ref, answer=answer.id)])
