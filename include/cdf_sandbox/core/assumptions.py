"""Assumptions about unpublished behaviour of CDF; each is deliberately strict.

Assumptions that can be changed for a run are fields of `Options` and named here.

- The rates published for files, 120 requests and 23 lists or searches per second, apply to a client over all APIs.
  The 160 of the Files API apply to all clients together. Counted over a sliding second, refused requests included
  unless `Options.throttled_requests_count` is off.
- Lists, searches and aggregates of files and assets see a new resource `Options.list_lag` seconds after its
  creation; changes and deletions show at once. Annotations, data sets and 3D models list without lag.
- `uploaded` of a file turns true `Options.uploaded_lag` seconds after its content arrived, and stays true while
  the file is overwritten. Content is downloadable once `uploaded` is true.
- The classic file of a CogniteFile node shows up `Options.syncer_delay` seconds after the node; until then links and
  look-ups answer 400 with `missing`. Changes and the deletion of the node show at once.
- A resource that one request names twice is refused with 409, as was seen for files and assets; that it is so for
  every other resource, and for a resource by two identifiers where it is read or changed, is assumed. Data modeling
  refuses it with 400, as it does in upserts.
- Labels must be defined when they are attached, unless `Options.labels_must_exist` is off; security categories must
  exist. What was attached stays when its definition is deleted. Files of security categories are refused with 403.
- Filters on `geoLocation` compare on the plane of the coordinates; a border belongs to its shape, and what has no
  `geoLocation` matches no relation, DISJOINT included. Comparisons of an `advancedFilter` mind the case of letters,
  `search` does not. A property without a value matches no leaf, so that `not` of a leaf matches it. Aggregates answer
  texts in lower case, labels as objects, and at most 1000 values; their counts are exact.
- A cursor is good for what made it alone: with another path, filter, order or partition it is refused; a limit may
  change. `GET` and `POST /list` of a resource share theirs.
- `data` in filters of annotations is compared field by field, and what no annotation can have finds nothing: the
  specification has it as an object of any content. `/annotations/reverselookup` takes what `list` takes but for the
  resources, none of it required, since published tests and clients send a status, an app and a user; pages of 100.
- A client is a member of the groups whose `sourceId` is its id, and of those that list it. Groups may grant ACLs of
  services that the sandbox lacks; other names are refused, and so are spaces, data sets, extraction pipelines and
  security categories that do not exist. A client's own group is made and renewed with it.
- Each ACL has the scopes of the SDK, of which the specification spells some in lower case; both are taken, with the one
  part that the scope has. What no narrower scope can name, such as a new data set or group, needs the scope `all`, and
  so do lists of all groups; `currentuserscope` reaches the caller's own groups.
- `token/inspect` needs `projectsAcl:LIST` and `groupsAcl:LIST`, as the specification says, unless
  `Options.inspection_needs_capabilities` is off. The groups that a caller is a member of are listed without either.
- Two requests that change a resource at the same time: the second is refused with 429, in the sandbox's own words.
  They are compared by the identifiers they name; links to an asset change its node. A creation is none, unless it
  overwrites. `Options.conflicting_requests_are_refused` switches that off.
- `/3d/migrate/models` is closed unless `Options.migration_of_3d` is on; then hybrid projects contextualize images too.
- An entry without content is deleted a week after its creation, overwritten or not, with its annotations and parts;
  a CogniteFile node keeps its file.
- A multipart upload can be completed once; an open one ends with its file. That a part but the last is too small is
  noticed at completion, as object stores do.
- `instanceId` of files takes every external id that data modeling takes; the narrower pattern that the published
  specification gives for it is not enforced. Creating, changing and deleting in a data set with write protection needs
  `datasetsAcl:OWNER` for it, and so does reporting runs of its extraction pipelines.
- A query parameter that an endpoint does not have is refused, and so is one that is given twice but for lists, an
  integer in another form than digits, and a flag that is neither `true` nor `false` (in whatever case).
- An asset cannot be moved to another root, nor can a root become a child. A filter of roots finds nothing for an asset
  that is none. Files keep the ids of assets that were deleted.
- Writes to assets and annotations in data modeling only projects are refused with `Options.write_blocked_status`.
- `/annotations/reverselookup` answers whatever `cdf-version` a request names: the SDK sends `beta`, the viewer an
  older version without beta, and both are answered.
- Annotations are of the types of images, diagrams, documents and forms that the specification has for files; those on
  3D models are refused. Neither the asset of an AssetLink nor the instance of an InstanceLink need exist. Annotations
  are deleted with their file, and shown to those who may read it.
- An E57 revision with `extractPhotosphereImages` makes instances of `cdf_360_image_schema` and classic face files.
  Their ids are not published: `Options.extraction_names` chooses tidy ids, random ids, images without stations, or
  two collections. A file without photospheres ends as `Done` with no instances; one that is no E57 file, a space that
  does not exist or is CDF's own, and whatever else the work meets, end as `Failed` with the reason in the logs.
- Extractions and 3D jobs write with the capabilities of the client whose session the nonce is of: without
  `dataModelsAcl:READ` and `dataModelInstancesAcl:WRITE` for the space they fail. Jobs read with them too: images in
  other spaces than it may read are passed over, a file or a model that it may not read fails the job.
- What an extraction or a 3D job makes appears in one transaction together with its end.
- The source of a job and the models that it names are in spaces that its caller may read. Results and rejections of
  jobs need what lists and changes of jobs need.
- The node of a 3D model or revision stays when that is deleted, unless `Options.nodes_go_with_3d_models` is on. The
  status of a revision's node follows within a second. What is written to the nodes does not change the model or
  revision.
- A 3D model or revision that lives in data modeling is changed and deleted by its `instanceId` alone, unless
  `Options.nodes_of_3d_are_taken_by_id` is on. A model that was migrated, and its revisions, are deleted by their ids
  as well. A model whose node was deleted, and that was not migrated, cannot be named without that option; the nodes of
  further revisions lack their `model3D` then.
- A 3D model that lives in data modeling is listed and read with `threedAcl:READ` in whatever scope and
  `dataModelInstancesAcl:READ` for its space; it and its revisions are changed with `dataModelInstancesAcl:WRITE`.
- `published=false` hides published revisions, as the SDK sends it with every list by default; with
  `Options.published_false_hides_published` off it hides nothing. Without the parameter all revisions are listed.
- The file of a revision or of its picture must be one that the caller may read, though the specification names only
  `threedAcl`. `Options.revision_needs_readable_file` drops that. A picture that is neither JPEG nor PNG is refused.
- 3D jobs: an external id that is taken is answered with 409 and spends no nonce; a page holds ten jobs, oldest first;
  unknown jobs are refused with 400, and a space that does not exist ends in 500, as elsewhere in the 3D APIs. A job
  reads all six faces. It makes one result, a CogniteFile in the job's space
  in the form that `three_d.text_detection` shows; its real form is not published. Whether a rejected key is in the
  result is not checked. The reason of a failed job is in the sandbox's log only, since the API has no field for it.
- Optimizer jobs need a beta header and both models. Their result is not published: what a classic revision makes is
  made as instances of the core data model in the job's space, named as `Options.extraction_names` says; collections
  have the 360 image model as `model3D`, and a point cloud revision (without content, and listed if its model is in
  the same space) the point cloud model. A file without photospheres makes that revision alone; one that is no E57
  file fails the job, whose reason only the sandbox's log has. Queue and processing take as long as those of a
  revision. Of the indexing options those of the classic extraction are refused; other names are not checked.
- Contextualization of 360 images: every item makes one edge, so that a request which is sent twice leaves two; objects
  and edges have random ids, and the edges the status `Approved`. The polar angle is checked to be in [0, pi] as the
  azimuth is in [0, 2 pi). The form with `revisionInstanceId`, which is deprecated, is refused. Removing ignores
  pairs without links and leaves objects. An asset whose object was deleted is refused: it gets no other one. Without
  a beta header both endpoints answer 400.
- Vision reads batches of ten files; one file that cannot be read fails its batch. Results are shown to those who may
  read all files of the job that are still there. The 21st running job is refused with
  429. A threshold that is not given is 0.4. Features other than TextDetection are refused. Vision asks for
  `filesAcl:READ`.
"""
