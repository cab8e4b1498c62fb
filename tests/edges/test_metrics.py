"""The figures."""

from __future__ import annotations

import pytest

from gateway.edges.metrics import Metrics
from gateway.flow.ports import Meter
from tests.support.timing import within


def text(metrics: Metrics) -> str:
    return metrics.figures()[1].decode()


def test_everything_an_operator_asks_for_is_there() -> None:
    metrics = Metrics()
    meter: Meter = metrics
    meter.decided("acme-letter", "OPPOSED")
    meter.decided("acme-letter", "")
    meter.delivered("provider", "delivered", 0.004)
    meter.opposed("one-click", 0.001)
    meter.answered(250, 0.003)
    metrics.spooled(7)
    metrics.probed(True)
    metrics.watched("answers", False)
    seen = text(metrics)
    for line in (
        'gateway_decisions_total{reason="OPPOSED",stream="acme-letter"} 1.0',
        'gateway_decisions_total{reason="allowed",stream="acme-letter"} 1.0',
        'gateway_delivery_seconds_count{fate="delivered",upstream="provider"} 1.0',
        'gateway_opt_out_seconds_count{door="one-click"} 1.0',
        'gateway_answer_seconds_count{code="250"} 1.0',
        "gateway_spool_depth 7.0",
        "gateway_opt_out_healthy 1.0",
        'gateway_mailbox_read{mailbox="answers"} 0.0',
    ):
        assert line in seen


def test_two_gateways_in_one_process_do_not_mix_their_figures() -> None:
    first, second = Metrics(), Metrics()
    first.decided("a", "")
    assert "gateway_decisions_total{" not in text(second)


@pytest.mark.usefixtures("undisturbed")
def test_counting_stays_cheap() -> None:
    metrics = Metrics()
    metrics.decided("a", "")
    metrics.answered(250, 0.001)

    def counting() -> None:
        for _ in range(1000):
            metrics.decided("a", "")
            metrics.answered(250, 0.001)

    within(2000 * 20e-6, counting)
