"""Installs, waits, upgrades, lists and uninstalls with the generated client."""

import sys
import time

import whipstaff
from whipstaff.models import ChangeBody, ChartRef, Wait, WaitStrategy

PLACE = {"cluster": "default", "namespace": "clients-python"}


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def main(server, archive):
    client = whipstaff.ApiClient(whipstaff.Configuration(host=server))
    charts, releases = whipstaff.ChartsApi(client), whipstaff.ReleasesApi(client)
    revisions, operations = whipstaff.RevisionsApi(client), whipstaff.OperationsApi(client)

    with open(archive, "rb") as file:
        chart = charts.chart_upload(body=file.read())
    check("the chart", chart.metadata.name, "shop")
    body = ChangeBody(
        name="shop",
        chart=ChartRef(upload=chart.digest),
        values={"replicas": 2},
        create_namespace=True,
        wait=Wait(strategy=WaitStrategy.WATCHER, timeout="2m"),
    )

    # Waiting: the answer comes when it is done.
    tried = releases.release_install(**PLACE, change_body=body, dry_run="server").actual_instance
    check("what is only tried", (tried.dry_run, tried.plan.changes), ("server", True))
    installed = releases.release_install(**PLACE, change_body=body, prefer="wait=60").actual_instance
    check("the install", (installed.state, installed.done, installed.result.revision), ("succeeded", True, 1))

    # Not waiting: the operation says how it goes.
    body.values["replicas"] = 3
    started = releases.release_apply(**PLACE, name="shop", change_body=body)
    operation_id = getattr(started, "actual_instance", started).id
    for _ in range(120):
        operation = operations.operation_get(operation_id)
        if operation.done:
            break
        time.sleep(0.5)
    check("the upgrade", (operation.state, operation.result.revision), ("succeeded", 2))

    listed = releases.release_list(**PLACE, status=["deployed"])
    check("the list", [(item.name, item.revision) for item in listed.items], [("shop", 2)])
    check("the history", len(revisions.revision_list(**PLACE, name="shop").items), 2)
    check("the values", releases.release_values(**PLACE, name="shop")["replicas"], 3)
    diff = revisions.release_diff(**PLACE, name="shop")
    check("the difference", [(field.path, field.before, field.after) for field in diff.values], [(".replicas", 2, 3)])

    try:
        releases.release_get(**PLACE, name="nobody")
        sys.exit("there is a release `nobody`")
    except whipstaff.exceptions.NotFoundException as error:
        check("the problem", (error.data.reason, error.data.status), ("RELEASE_NOT_FOUND", 404))

    gone = releases.release_uninstall(**PLACE, name="shop", prefer="wait=60").actual_instance
    check("the uninstall", gone.state, "succeeded")
    check("what is left", releases.release_list(**PLACE).items, [])
    print("python: ok")


main(*sys.argv[1:])
