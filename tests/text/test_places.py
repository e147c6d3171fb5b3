"""Addresses that do not begin with the prefecture and municipality of today."""

import pytest

from linkage_rl.text.addresses import canonical_addresses
from linkage_rl.text.municipalities import CITIES, PREFECTURES, find_city


@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("日本 福岡県福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("（〒812-0011）福岡県福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("所在地：福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("【本社】〒812-0011 福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("本社福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("③福岡県福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("Japan, 812-0011, 福岡県福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("福岡 福岡市博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("埼玉川口市本町1-2", "11|川口市|本町|1-2"),
        ("福岡県，福岡市，博多区，博多駅前，2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("福岡県/福岡市博多区/博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("福岡県博多区博多駅前2-1-1", "40|福岡市博多区|博多駅前|2-1-1"),
        ("大阪府北区天神橋1-2-3", "27|大阪市北区|天神橋|1-2-3"),
        ("神奈川県南区", "14|南区||"),
        ("名古屋市栄3-1-1", "23|名古屋市中区|栄|3-1-1"),
        ("東京都日本橋室町1-2-3", "13|中央区|日本橋室町|1-2-3"),
        ("神奈川県茅が崎市幸町1-2", "14|茅ケ崎市|幸町|1-2"),
        ("和歌山県紀ノ川市西大井338", "30|紀の川市|西大井|338"),
        ("茨城県筑波市吾妻1-1", "8|つくば市|吾妻|1-1"),
        ("東京都三宅村坪田1", "13|三宅島三宅村|坪田|1"),
        ("長野県東筑摩郡明科町中川手1", "20|安曇野市|明科中川手|1"),
        ("長崎県上県郡上対馬町比田勝1", "42|対馬市|上対馬町比田勝|1"),
        ("広島県因島市土生町1", "34|尾道市|因島土生町|1"),
        ("浦和市南浦和3-1", "11|さいたま市南区|南浦和|3-1"),
        ("東京都保谷市東町1", "13|西東京市|東町|1"),
        ("宮城県古川市七日町1", "4|大崎市|古川七日町|1"),
        ("札幌市北区北24西5-1-1", "1|札幌市北区|北24条西|5-1-1"),
        ("札幌市中央区S5W20-1-1", "1|札幌市中央区|南5条西|20-1-1"),
        ("京都市下京区烏丸通四条角長刀鉾町20", "26|京都市下京区|長刀鉾町|20"),
        ("京都市中京区烏丸通三条アガル場之町600", "26|京都市中京区|場ノ町|600"),
        ("新宿区4谷1-1", "13|新宿区|四谷|1-1"),
        ("港区麻布10番1-5-25", "13|港区|麻布十番|1-5-25"),
        ("名古屋市中区栄5-Mar", "23|名古屋市中区|栄|3-5"),
        ("名古屋市中区栄10月2日", "23|名古屋市中区|栄|10-2"),
        ("不明", "0|||"),
        ("N/A", "0|||"),
        ("上海市浦東新区1-1", "0||上海市浦東新区|1-1"),
    ],
)
def test_a_place_is_found_however_the_address_begins(address: str, read: str) -> None:
    found = canonical_addresses([""], [""], [address])

    parts = (str(found.prefecture[0]), found.city[0], found.town[0], found.block[0])
    assert "|".join(parts) == read


def test_columns_without_the_ward_are_completed_by_the_town() -> None:
    found = canonical_addresses(["愛知県"], ["名古屋市"], ["栄3-1-1"])

    assert (found.city, found.town, found.block) == (["名古屋市中区"], ["栄"], ["3-1-1"])


@pytest.mark.parametrize("before", ["", "日本、", "住所：", "【本店】", "〒100-0001 ", "※"])
def test_every_municipality_is_found_behind_a_label(before: str) -> None:
    texts = [f"{before}{PREFECTURES[code - 1]}{city}中町1-2-3" for code, city in CITIES]
    found = canonical_addresses([""] * len(texts), [""] * len(texts), texts)
    expected = [find_city(code, f"{city}中町") for code, city in CITIES]

    lost = [
        text
        for text, code, city, wanted in zip(
            texts, found.prefecture.tolist(), found.city, expected, strict=True
        )
        if wanted is None or code != wanted[1] or not city.startswith(wanted[2])
    ]
    assert lost == []
