// Installs, waits, upgrades, lists and uninstalls with the generated client.
package main

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"time"

	whipstaff "whipstaff.invalid/clients/go"
)

const cluster, namespace = "default", "clients-go"

func must(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func check(what string, found, wanted any) {
	if !reflect.DeepEqual(found, wanted) {
		must(what, fmt.Errorf("%v, not %v", found, wanted))
	}
}

func main() {
	ctx := context.Background()
	configuration := whipstaff.NewConfiguration()
	configuration.Servers = whipstaff.ServerConfigurations{{URL: os.Args[1]}}
	client := whipstaff.NewAPIClient(configuration)

	archive, err := os.Open(os.Args[2])
	must("the archive", err)
	chart, _, err := client.ChartsAPI.ChartUpload(ctx).Body(archive).Execute()
	must("the upload", err)
	check("the chart", chart.Metadata.GetName(), "shop")

	body := *whipstaff.NewChangeBody()
	body.SetName("shop")
	body.SetChart(whipstaff.ChartRef{Upload: *whipstaff.NewNullableString(&chart.Digest)})
	body.SetValues(map[string]any{"replicas": 2})
	body.SetCreateNamespace(true)
	wait := *whipstaff.NewWait()
	wait.SetStrategy(whipstaff.WAITSTRATEGY_WATCHER)
	wait.SetTimeout("2m")
	body.SetWait(wait)

	// Waiting: the answer comes when it is done.
	tried, _, err := client.ReleasesAPI.ReleaseInstall(ctx, cluster, namespace).ChangeBody(body).DryRun("server").Execute()
	must("the dry run", err)
	check("what is only tried", tried.DryRun.GetDryRun(), "server")
	installed, _, err := client.ReleasesAPI.ReleaseInstall(ctx, cluster, namespace).ChangeBody(body).Prefer("wait=60").Execute()
	must("the install", err)
	check("the install", installed.Operation.GetState(), whipstaff.OPERATIONSTATE_SUCCEEDED)

	// Not waiting: the operation says how it goes.
	body.SetValues(map[string]any{"replicas": 3})
	started, _, err := client.ReleasesAPI.ReleaseApply(ctx, cluster, namespace, "shop").ChangeBody(body).Execute()
	must("the upgrade", err)
	operation := started.Operation
	for asked := 0; asked < 120 && !operation.GetDone(); asked++ {
		time.Sleep(500 * time.Millisecond)
		operation, _, err = client.OperationsAPI.OperationGet(ctx, operation.GetId()).Execute()
		must("the operation", err)
	}
	check("the upgrade", operation.GetState(), whipstaff.OPERATIONSTATE_SUCCEEDED)
	result := operation.GetResult()
	check("the revision", result.GetRevision(), int64(2))

	listed, _, err := client.ReleasesAPI.ReleaseList(ctx, cluster, namespace).Status([]string{"deployed"}).Execute()
	must("the list", err)
	check("the list", []any{len(listed.GetItems()), listed.GetItems()[0].GetName()}, []any{1, "shop"})
	history, _, err := client.RevisionsAPI.RevisionList(ctx, cluster, namespace, "shop").Execute()
	must("the history", err)
	check("the history", len(history.GetItems()), 2)
	values, _, err := client.ReleasesAPI.ReleaseValues(ctx, cluster, namespace, "shop").Execute()
	must("the values", err)
	check("the values", values["replicas"], 3.0)
	diff, _, err := client.RevisionsAPI.ReleaseDiff(ctx, cluster, namespace, "shop").DiffBody(*whipstaff.NewDiffBody()).Execute()
	must("the difference", err)
	check("the difference", diff.GetValues()[0].GetPath(), ".replicas")

	_, _, err = client.ReleasesAPI.ReleaseGet(ctx, cluster, namespace, "nobody").Execute()
	failure, is := err.(*whipstaff.GenericOpenAPIError)
	check("there is a problem", is, true)
	problem, is := failure.Model().(whipstaff.Problem)
	check("the problem", []any{is, problem.GetReason()}, []any{true, whipstaff.REASON_RELEASE_NOT_FOUND})

	gone, _, err := client.ReleasesAPI.ReleaseUninstall(ctx, cluster, namespace, "shop").Prefer("wait=60").Execute()
	must("the uninstall", err)
	check("the uninstall", gone.Operation.GetState(), whipstaff.OPERATIONSTATE_SUCCEEDED)
	listed, _, err = client.ReleasesAPI.ReleaseList(ctx, cluster, namespace).Execute()
	must("what is left", err)
	check("what is left", len(listed.GetItems()), 0)
	fmt.Println("go: ok")
}
