"""Which fields of a pair agree, from coarse to fine, and which are missing; see `_fields`."""

from typing import Final

import numpy as np

from linkage_rl.text.legal_forms import KIND_OF_FORM, KINDS

NAMES: Final = (
    "name_equal",
    "written_equal",
    "core_equal",
    "stem_equal",
    "kana_equal",
    "reading_equal",
    "form_equal",
    "form_missing",
    "side_equal",
    "prefecture_equal",
    "prefecture_missing",
    "city_equal",
    "city_missing",
    "town_equal",
    "town_missing",
    "block_first_equal",
    "block_equal",
    "block_missing",
    "building_equal",
    "building_missing",
    "address_equal",
    "postal_equal",
    "postal_district_equal",
    "postal_missing",
    "phone_equal",
    "phone_area_equal",
    "phone_missing",
    "domain_equal",
    "domain_missing",
    "corporate_equal",
    "corporate_missing",
    "company_stem_equal",
    "page_equal",
    "page_differs",
    *(f"company_is_{kind}" for kind in KINDS),
)
"""Features of this module, in their order; 1 for agreement, 0 for conflict or missing.

Two records without a legal form agree in form and side. `stem_equal`: the client without its
addition has the company's name; `company_stem_equal`: the company without its addition has the
client's. Pages are compared where the domains are equal; a domain of which each has another page
belongs to neither, and is no agreement.
"""

KIND: Final = np.array(KIND_OF_FORM, dtype=np.uint8)
"""Kind of each code of a legal form, as the kernels take it."""
