"""What is known of faces: one SQLite file of its own in the data folder, readable only by its owner."""

from tagger.people_store.sqlite import PEOPLE_NAME, PeopleStore
from tagger.people_store.values import (
    Example,
    Group,
    NewFace,
    Parting,
    Person,
    Place,
    Said,
    SayWhat,
    Spot,
    StoredFace,
    Unknown,
    same_place,
)

__all__ = [
    "PEOPLE_NAME",
    "Example",
    "Group",
    "NewFace",
    "Parting",
    "PeopleStore",
    "Person",
    "Place",
    "Said",
    "SayWhat",
    "Spot",
    "StoredFace",
    "Unknown",
    "same_place",
]
