"""Assumptions about unpublished behaviour of CDF's data modeling service; each is deliberately strict.

Assumptions that can be changed for a run are fields of `Options` and named here; published limits are below.

- A violated uniqueness constraint is refused with `Options.uniqueness_violation_status`. The project may hold
  `Options.instance_limit` instances, those included that were deleted within three days, unless
  `Options.deleted_instances_count` is off.
- Reading or writing instances needs `dataModelsAcl:READ` in some space, and for the space of each view and container
  that a request names, and of each container that the view maps. The specification says so of writing instances; that
  it holds for reading, filters and schemas too is assumed. `Options.named_schemas_must_be_readable` drops that. Views
  that a data model shows in place are those that the caller may read; of the others it shows the references. A `range`
  needs one bound, though the specification speaks of two, and `prefix` takes lists, though it speaks of single texts:
  clients rely on both, for paths of assets among others.
- A request that points a relation or the end of an edge to a space needs write access there, if a missing target is to
  be created, and read access otherwise. The specification states the former for relations only.
- Reading by id through a view returns only what passes the filter of the view, as listing does;
  `Options.byids_applies_view_filter` drops that.
- A search or aggregate sees a new instance `Options.list_lag` seconds after its creation; lists, reading by id, query
  and sync see it at once.
- A write through a view gives the instance data in every container that the view maps, named or not. An instance is
  seen through a view if it has data in all of them and passes the filter of the view.
- Nodes and edges share their external ids. Unknown fields in a request are refused, and so is an instance that occurs
  twice, a comparison with a JSON property, and `["node", ...]` in a filter of edges.
- A comparison with a property without a value is unknown: neither it nor its negation matches.
- Without `maxDistance` edges are followed as far as they lead. Nodes can be chained from nodes with `through` only,
  and from a set operation only inwards: the specification says the latter where it speaks of sync, which has no set
  operations. `limitEach` without `from` and `maxDistance` 1, of which the specification says that it means
  nothing, is refused. Set operations within set operations are not offered.
- A read of instances that takes more than `Options.query_steps` steps of SQLite, some ten seconds, ends in 408: a
  smaller page takes fewer.
- A page that is exactly full has a cursor, even if nothing follows. A cursor is good for what it pages through alone:
  with another filter, order or source, or other values of parameters, it is refused; a limit may change. The
  specification says that cursors match the result set expressions of the query.
- The node that a type names need not exist, only its space: clients write `cdf_cdm:image-360-annotation` without
  creating it. A direct relation to a node that was deleted later is still read back. Ends of edges may be changed.
- A deleted instance that is written again begins at version 1.
- A container keeps a property that a change leaves out, and so do views; a data model keeps a view, unless another
  version of the view takes its place. A container cannot gain a required property while it has data. Constraints and
  indexes that a change leaves out are dropped. The words that refuse a change are the sandbox's, but for "would change
  type from ... to ...". A view cannot get the source of a relation that had none. A property may become required; its
  constraint is `pending` while the
  container has no data, and other constraints are `current` then. An instance that violates a uniqueness constraint
  from before can be changed in that container only to a value of its own. Deleted instances violate nothing.
- A sync reports a deletion in every set that the instance was in when it was deleted, also where what led to it is
  deleted too.
- A view that another one implements or a data model holds, and a container that a view maps, that
  another container requires or that relations must point into, cannot be deleted;
  `Options.mapped_containers_can_be_deleted` allows it for a mapped container, whose properties views then lack. A
  request that names views with and without versions is refused unless `Options.views_by_ids_may_mix_versions` is on. A
  request that defines one of them twice is refused, and so is one that defines a space or data model twice, and one
  that names something twice to read or delete it. Of collations only the form is checked.
- A set operation of a query combines at most 50 sets, as many as a query may have.
- `autoIncrement`, `targetUnits` and `backfillSort` are refused, and so are the flags of `debug` that are in alpha.
"""

SYSTEM_MANAGED = {
    "cdf_cdm:CogniteFile": frozenset({"isUploaded", "uploadedTime"}),
    "cdf_cdm:CogniteAsset": frozenset(
        {"assetHierarchy_root", "assetHierarchy_path", "assetHierarchy_path_last_updated_time"}
    ),
}
"""Container properties that only CDF's own services write; a request that names one is refused."""

SOFT_DELETED_LIMIT = 10_000_000
SCHEMA_LIMITS = {"spaces": 100, "containers": 1000, "views": 2000, "dataModels": 500, "containerProperties": 25_000}
"""Limits that `/models/statistics` reports."""
