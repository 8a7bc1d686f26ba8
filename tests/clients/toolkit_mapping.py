"""Print how Cognite Toolkit's migration maps the properties of 360° images, by view, as JSON."""

import json

from cognite_toolkit._cdf_tk.commands._migrate.image_360_mappings import create_360_image_data_mappings

print(
    json.dumps(
        {
            mapping.source_view.external_id: {
                "named": mapping.container_mapping,
                "same": mapping.map_identical_id_properties,
                "dropped": sorted(mapping.ignore_source_properties),
            }
            for mapping in create_360_image_data_mappings()
        }
    )
)
