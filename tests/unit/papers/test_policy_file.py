"""The own small reader of the policy says what the decision layer itself would do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from provision.errors import ErrorGroup, ProvisionError
from provision.papers.policy_file import read_policy
from provision.papers.routes import draw_flows, outside_zones
from tests.unit.papers.conftest import LAYER_PYTHON, POLICY

ASK = """
import json, sys
from pathlib import Path
from decision_layer.policy.decide import Facts, decide
from decision_layer.policy.load import read_policy
loaded = read_policy(Path(sys.argv[1]))
found = {}
for item in loaded.policy.classes:
    for model in loaded.policy.models:
        facts = Facts(endpoint="chat", client="", user="", groups=(), step="", task="", language="", asked=model.name,
                      label=item.name, client_label=None, findings=(), chars=0)
        decision = decide(loaded, facts)
        found[f"{item.name} {model.name}"] = decision.refusal is None or decision.refusal == ""
print(json.dumps({"sha256": loaded.sha256, "may": found}))
"""


def test_who_may_take_a_class_is_what_the_decision_layer_decides() -> None:
    done = subprocess.run([str(LAYER_PYTHON), "-c", ASK, str(POLICY)], check=True, capture_output=True, text=True)
    theirs = json.loads(done.stdout)
    ours = read_policy(POLICY)
    takers = {item.name: {model.name for model in ours.policy.takers(item)} for item in ours.policy.classes}
    mine = {
        f"{item.name} {model.name}": model.name in takers[item.name]
        for item in ours.policy.classes
        for model in ours.policy.models
    }
    assert mine == theirs["may"]
    assert ours.sha256 == theirs["sha256"]
    assert sum(mine.values()) == 9, "of the example: six at home, two in the EU, one in the USA"


def test_a_model_whose_storage_is_not_known_takes_nothing(tmp_path: Path) -> None:
    document = yaml.safe_load(POLICY.read_text())
    del document["models"][2]["storage"]
    path = tmp_path / "policy.yml"
    path.write_text(yaml.safe_dump(document))
    policy = read_policy(path).policy
    assert not any(model.name == "claude-opus" for item in policy.classes for model in policy.takers(item))


def test_the_picture_points_where_models_are() -> None:
    picture = draw_flows(read_policy(POLICY).policy)
    assert {item.name: item.zones for item in picture.classes}["internal"] == ("home", "eu-cloud")
    assert outside_zones(read_policy(POLICY).policy) == ("eu-cloud", "us-cloud")


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    document = yaml.safe_load(POLICY.read_text())
    document["classes"][0]["zones"] = ["mars"]
    document["models"][0]["zone"] = "venus"
    document["rules"][0]["to"] = ["nobody"]
    document["opaque"] = "unheard-of"
    document["findings"]["email"] = "nothing"
    path = tmp_path / "policy.yml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ErrorGroup) as caught:
        read_policy(path)
    told = " ".join(error.what for error in caught.value.errors)
    assert all(word in told for word in ("mars", "venus", "nobody", "unheard-of", "findings.email"))


@pytest.mark.parametrize("text", ["", "[]", "format: 1", "a: [", "\x01", "format: 2"])
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(text)
    with pytest.raises((ErrorGroup, ProvisionError)) as caught:
        read_policy(path)
    assert str(path) in str(caught.value.errors[0] if isinstance(caught.value, ErrorGroup) else caught.value)
