"""The shop of `shop` with lists whose clients share addresses, and a bundle that decides them."""

from pathlib import Path

import torch

from linkage_rl.agents.list_scorer import ListNet
from linkage_rl.bundle import ListStageFiles
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision.decide import Thresholds
from linkage_rl.decision.list_stage import PAIR_FEATURES
from linkage_rl.exporting.onnx import export_list_net
from tests.commands.shop import write_csv, write_shop_bundle

HEADER = ("client_id", "name", "prefecture", "city", "street")
TOKYO, OSAKA = ("東京都", "千代田区", "丸の内1-1"), ("大阪府", "大阪市北区", "梅田1-1")
LIST = [
    HEADER,
    ("k1", "青空の新しい名", *TOKYO),
    ("k2", "株式会社青空商事", *TOKYO),
    ("k3", "有限会社山田製作所", "", "", ""),
    ("k4", "どこにもない店", "北海道", "札幌市中央区", "南1-1"),
]


def address_net() -> ListNet:
    """Adds 20 times the share that a mate at the same address gives a company."""
    net = ListNet(2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for weights in net.parameters():
            weights.zero_()
        named = dict(net.named_parameters())
        named["pair.0.weight"][0, PAIR_FEATURES.index("highest_address")] = 1
        named["pair.2.weight"][0, 0] = 1
        named["pair.4.weight"][0, 0] = 20
    return net


def write_list_bundle(folder: Path) -> Path:
    """The bundle of the shop with a list stage."""
    folder.mkdir(exist_ok=True)
    export_list_net(address_net(), folder / "list.onnx")
    stage = ListStageFiles(folder / "list.onnx", Calibration.identity(), Thresholds(0.5))
    return write_shop_bundle(folder, list_stage=stage)


def long_list(folder: Path) -> None:
    """600 clients in an order that no address follows; every third only says where it is."""
    rows = []
    for place in range(600):
        name, where = (
            ("株式会社青空商事", TOKYO),
            ("合同会社はるか", OSAKA),
            (f"別の名{place}", (TOKYO, OSAKA)[place % 2]),
        )[place % 3]
        rows.append((f"k{place}", name, *where))
    write_csv(folder / "many.csv", [HEADER, *rows])
