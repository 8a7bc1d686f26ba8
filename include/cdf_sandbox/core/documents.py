"""Tables of JSON documents with an internal id, an external id and two times, for the classic APIs."""
# ruff: noqa: S608 - SQL is assembled from names of tables and columns that are constants of the code; values are bound

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from cdf_sandbox.core.errors import DuplicatedExternalIds, UnknownIds
from cdf_sandbox.core.identifiers import ClassicId, check_each_given_once, check_each_named_once, new_id
from cdf_sandbox.core.paging import first_page
from cdf_sandbox.core.sql import Where


def documents_ddl(table: str, *columns: str) -> str:
    """A table of documents with further `columns`, each a column definition."""
    return f"""
CREATE TABLE IF NOT EXISTS {table} (
    id INTEGER PRIMARY KEY,
    doc TEXT NOT NULL,
    created_time INTEGER NOT NULL,
    last_updated_time INTEGER NOT NULL,
    {"".join(f"{column}, " for column in columns)}
    external_id TEXT GENERATED ALWAYS AS (json_extract(doc, '$.externalId')) VIRTUAL,
    name TEXT GENERATED ALWAYS AS (json_extract(doc, '$.name')) VIRTUAL,
    data_set_id INTEGER GENERATED ALWAYS AS (json_extract(doc, '$.dataSetId')) VIRTUAL
);
CREATE UNIQUE INDEX IF NOT EXISTS {table}_external_id ON {table} (external_id) WHERE external_id IS NOT NULL;
"""


def rows_by_id(db: Connection, query: str, ids: Sequence[int], noun: str, status: int = 400) -> list[Row]:
    """Return the row that `query` finds for each id; 409 for an id that occurs twice, `status` naming those missing."""
    check_each_given_once({"id": each} for each in ids)
    found = {each: db.execute(query, (each,)).fetchone() for each in ids}
    unknown = [{"id": each} for each, row in found.items() if row is None]
    if unknown:
        raise UnknownIds(unknown, noun, status)
    return list(found.values())


@dataclass(frozen=True)
class Documents:
    """One such table; `noun`, in the singular, names its rows in refusals."""

    table: str
    noun: str
    ids_noun: str | None = None
    """Noun of refusals about unknown ids, if it is not `noun` with "ids"."""
    external_ids_noun: str | None = None
    """Noun of refusals about external ids alone, if it differs."""
    unknown_are_listed: bool = True
    """Whether the message about unknown identifiers lists them."""
    unknown_come_first: bool = False
    """Whether an unknown identifier that occurs twice is refused as unknown, not as given twice."""

    def find(self, db: Connection, identifier: ClassicId) -> Row | None:
        """The document that `identifier` names."""
        column, value = ("id", identifier.id) if identifier.id is not None else ("external_id", identifier.external_id)
        row: Row | None = db.execute(f"SELECT * FROM {self.table} WHERE {column} = ?", (value,)).fetchone()
        return row

    def find_all(self, db: Connection, identifiers: Iterable[ClassicId], *, ignore_unknown: bool = False) -> list[Row]:
        """The documents that `identifiers` name, in their order.

        409 for an identifier that occurs twice and for two that name the same document, 400 naming those that are
        missing.
        """
        pairs = [(identifier, self.find(db, identifier)) for identifier in identifiers]
        unknown = [identifier.wire() for identifier, row in pairs if row is None]
        if self.unknown_come_first and unknown and not ignore_unknown:
            raise self.unknown(unknown)
        check_each_given_once(identifier.wire() for identifier, _ in pairs)
        if unknown and not ignore_unknown:
            raise self.unknown(unknown)
        found = [row for _, row in pairs if row is not None]
        check_each_named_once((row["id"] for row in found), self.noun)
        return found

    def unknown(self, identifiers: list[dict[str, Any]], status: int = 400) -> UnknownIds:
        """Build the refusal of identifiers that name nothing."""
        noun = self.ids_noun or f"{self.noun} ids"
        if self.external_ids_noun is not None and all("externalId" in each for each in identifiers):
            noun = self.external_ids_noun
        return UnknownIds(identifiers, noun, status, listed=self.unknown_are_listed)

    def check_free(self, db: Connection, documents: Sequence[dict[str, Any]]) -> None:
        """409 unless the external ids of new `documents` differ and are not taken."""
        wanted = [document["externalId"] for document in documents if "externalId" in document]
        twice = {external_id for external_id in wanted if wanted.count(external_id) > 1} if len(wanted) > 1 else set()
        rows = db.execute(
            f"SELECT external_id FROM {self.table} WHERE external_id IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        taken = sorted({row["external_id"] for row in rows} | twice)
        if taken:
            raise DuplicatedExternalIds([{"externalId": external_id} for external_id in taken])

    def insert(self, db: Connection, document: dict[str, Any], now: int, **columns: Any) -> int:
        """A new document; its external id must have been checked. Returns its internal id."""
        values = {
            "id": columns.pop("id", None) or new_id(),
            "doc": json.dumps(document, ensure_ascii=False),
            "created_time": now,
            "last_updated_time": now,
            **columns,
        }
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        db.execute(f"INSERT INTO {self.table} ({names}) VALUES ({marks})", list(values.values()))
        return int(values["id"])

    def save(self, db: Connection, row: Row, document: dict[str, Any], now: int) -> None:
        """Store a changed document; one that is the same changes nothing."""
        old = json.loads(row["doc"])
        if document == old:
            return
        if document.get("externalId") != old.get("externalId"):
            self.check_free(db, [document])
        db.execute(
            f"UPDATE {self.table} SET doc = ?, last_updated_time = ? WHERE id = ?",
            (json.dumps(document, ensure_ascii=False), now, row["id"]),
        )

    def delete(self, db: Connection, ids: Iterable[int]) -> None:
        """Delete documents by internal id."""
        db.executemany(f"DELETE FROM {self.table} WHERE id = ?", [(i,) for i in ids])

    def page(
        self, db: Connection, where: Where, after: int, limit: int, partition: tuple[int, int] | None = None
    ) -> tuple[Sequence[Row], int | None]:
        """Return at most `limit` documents with ids above `after`, and the last of these ids if there are more."""
        remainder, divisor = partition or (0, 1)
        rows = db.execute(
            f"SELECT * FROM {self.table} WHERE id > ? AND id % ? = ? AND {where.sql()} ORDER BY id LIMIT ?",
            [after, divisor, remainder, *where.values, limit + 1],
        ).fetchall()
        return first_page(rows, limit)

    def search(self, db: Connection, where: Where, words: dict[str, str], limit: int) -> list[Row]:
        """Documents in which any word is part of its column's text, those with more of them first.

        `words` maps SQL expressions to what was searched for in them.
        """
        wanted = [(column, token) for column, text in words.items() for token in text.lower().split()]
        score = " + ".join(f"coalesce(instr(lower({column}), ?) > 0, 0)" for column, _ in wanted) or "1"
        rows: list[Row] = db.execute(
            f"SELECT * FROM (SELECT *, {score} AS score FROM {self.table} WHERE {where.sql()}) WHERE score > 0"
            " ORDER BY score DESC, id LIMIT ?",
            [*(token for _, token in wanted), *where.values, limit],
        ).fetchall()
        return rows

    def count(self, db: Connection, where: Where) -> int:
        """Count the documents that satisfy `where`."""
        number: int = db.execute(f"SELECT count(*) FROM {self.table} WHERE {where.sql()}", where.values).fetchone()[0]
        return number


def document_json(row: Row) -> dict[str, Any]:
    """A document as the API shows it."""
    shown: dict[str, Any] = json.loads(row["doc"])
    return shown | {"id": row["id"], "createdTime": row["created_time"], "lastUpdatedTime": row["last_updated_time"]}
