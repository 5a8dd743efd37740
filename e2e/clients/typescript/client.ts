// Installs, waits, upgrades, lists and uninstalls with the generated client.

import { readFile } from "node:fs/promises";
import {
  ChartsApi,
  Configuration,
  OperationsApi,
  ReleasesApi,
  ResponseError,
  RevisionsApi,
  WaitStrategy,
  type ChangeBody,
  type DryRun,
  type Operation,
} from "./whipstaff/index.js";

const place = { cluster: "default", namespace: "clients-typescript" };

function check(what: string, found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }
}

async function main(server: string, archive: string): Promise<void> {
  const configuration = new Configuration({ basePath: server });
  const charts = new ChartsApi(configuration);
  const releases = new ReleasesApi(configuration);
  const revisions = new RevisionsApi(configuration);
  const operations = new OperationsApi(configuration);

  const chart = await charts.chartUpload({ body: new Blob([await readFile(archive)]) });
  check("the chart", chart.metadata.name, "shop");
  const changeBody: ChangeBody = {
    name: "shop",
    chart: { upload: chart.digest },
    values: { replicas: 2 },
    createNamespace: true,
    wait: { strategy: WaitStrategy.Watcher, timeout: "2m" },
  };

  // Waiting: the answer comes when it is done.
  const tried = (await releases.releaseInstall({ ...place, changeBody, dryRun: "server" })) as DryRun;
  check("what is only tried", [tried.dryRun, tried.plan.changes], ["server", true]);
  const installed = (await releases.releaseInstall({ ...place, changeBody, prefer: "wait=60" })) as Operation;
  check("the install", [installed.state, installed.done, installed.result?.revision], ["succeeded", true, 1]);

  // Not waiting: the operation says how it goes.
  changeBody.values = { replicas: 3 };
  let operation = (await releases.releaseApply({ ...place, name: "shop", changeBody })) as Operation;
  for (let asked = 0; asked < 120 && !operation.done; asked++) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    operation = await operations.operationGet({ id: operation.id });
  }
  check("the upgrade", [operation.state, operation.result?.revision], ["succeeded", 2]);

  const listed = await releases.releaseList({ ...place, status: ["deployed"] });
  check("the list", listed.items.map((item) => [item.name, item.revision]), [["shop", 2]]);
  check("the history", (await revisions.revisionList({ ...place, name: "shop" })).items.length, 2);
  const values = (await releases.releaseValues({ ...place, name: "shop" })) as Record<string, unknown>;
  check("the values", values["replicas"], 3);
  const diff = await revisions.releaseDiff({ ...place, name: "shop" });
  check("the difference", diff.values.map((field) => [field.path, field.before, field.after]), [[".replicas", 2, 3]]);

  try {
    await releases.releaseGet({ ...place, name: "nobody" });
    throw new Error("there is a release `nobody`");
  } catch (error) {
    if (!(error instanceof ResponseError)) {
      throw error;
    }
    const problem = await error.response.json();
    check("the problem", [problem.reason, problem.status], ["RELEASE_NOT_FOUND", 404]);
  }

  const gone = (await releases.releaseUninstall({ ...place, name: "shop", prefer: "wait=60" })) as Operation;
  check("the uninstall", gone.state, "succeeded");
  check("what is left", (await releases.releaseList(place)).items, []);
  console.log("typescript: ok");
}

await main(process.argv[2] ?? "", process.argv[3] ?? "");
