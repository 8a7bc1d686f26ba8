"""Search in the texts of a view: words that begin with the words of the query, case aside; best matches first."""
# ruff: noqa: S608 - SQL is assembled from constants; values of requests are bound as parameters

import re
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from cdf_sandbox.core.errors import BadRequest, UnknownProperty
from cdf_sandbox.services.data_modeling.answers import dump_instances, select_all
from cdf_sandbox.services.data_modeling.columns import Columns, Sql
from cdf_sandbox.services.data_modeling.filters import FilterCompiler
from cdf_sandbox.services.data_modeling.ids import InstanceKind
from cdf_sandbox.services.data_modeling.models import SearchRequest, Source
from cdf_sandbox.services.data_modeling.paging import Order
from cdf_sandbox.services.data_modeling.reads import Spaces, visible, with_typing
from cdf_sandbox.services.data_modeling.schema import View
from cdf_sandbox.services.data_modeling.schema_store import Schema

_WORD = re.compile(r"\w+")


def _begins_word(text: str | None, word: str) -> int:
    return int(text is not None and any(each.startswith(word) for each in _WORD.findall(text.casefold())))


def text_matches(
    db: Connection, columns: Columns, view: View, kind: InstanceKind, query: str, names: Sequence[str] | None
) -> list[Sql]:
    """One condition on row `i` for each word of `query`: some text of the view has a word that begins with it."""
    db.create_function("dms_begins_word", 2, _begins_word, deterministic=True)
    texts = [name for name, prop in view.properties.items() if prop.property.type.kind == "text"]
    for name in names or ():
        if name not in view.properties:
            raise UnknownProperty(name, f"view '{view.id}'")
    unknown = [name for name in names or () if name not in texts]
    if unknown:
        raise BadRequest(f"Cannot search in '{unknown[0]}': it is no text property of the view '{view.id}'")
    found = [columns.find([name], "i", kind, view) for name in (names or texts)]
    words = _WORD.findall(query.casefold())
    conditions = []
    for word in dict.fromkeys(words):
        parts = [Sql(f"dms_begins_word({column.value.text}, ?)", (*column.value.params, word)) for column in found]
        conditions.append(Sql.joined("OR", parts, "0"))
    return conditions


def search_instances(db: Connection, request: SearchRequest, spaces: Spaces, created_until: int) -> dict[str, Any]:
    """The best matches in a view."""
    schema = Schema(db)
    selections = select_all(schema, [Source(source=request.view)])
    view = selections[0].view
    kind = request.instance_type
    compiler, columns = FilterCompiler(schema, refused={"overlaps"}), Columns(schema)
    parts = [visible(kind, spaces, created_until), compiler.has_data(view, "i")]
    if request.filter is not None:
        parts.append(compiler.compile(request.filter, "i", kind, view))
    words = text_matches(db, columns, view, kind, request.query or "", request.properties)
    if words:
        parts.append(Sql.joined(request.operator, words, "1"))
    where = Sql.joined("AND", parts, "1")
    if request.sort or not words:
        ids, _ = Order(columns, request.sort, kind, view).page(db, where, request.limit)
    else:
        score = Sql.joined("+", words, "0")
        rows = db.execute(
            f"SELECT i.id FROM dms_instance i WHERE {where.text} ORDER BY {score.text} DESC, i.id LIMIT ?",
            (*where.params, *score.params, request.limit),
        )
        ids = [row["id"] for row in rows]
    return with_typing({"items": dump_instances(db, ids, selections)}, db, selections, request.include_typing)
