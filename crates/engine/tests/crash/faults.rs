//! The same with a process that lives on: calls are refused, or lost, once or twice.

use sandbox::{Fault, Loss};

use crate::matrix::{Stage, Tally, everywhere, had_finished, some_of};
use crate::process::start;
use crate::scenarios::Scenario;
use crate::survey::Survey;

/// What is refused is refused for different reasons, but as far as a caller is concerned these three are the same.
const OVERLOADS: [Fault; 3] = [Fault::TooManyRequests, Fault::Internal, Fault::Unavailable];

const FAULTS: [Fault; 6] = [
    Fault::Conflict,
    Fault::TooManyRequests,
    Fault::Internal,
    Fault::Unavailable,
    Fault::Lost(Loss::Request),
    Fault::Lost(Loss::Response),
];

/// Runs a scenario's command with faults, and then once more without; tells whether the first fault was met.
async fn disturb(stage: &Stage, scenario: &Scenario, faults: &[(usize, Fault)], tally: &mut Tally) -> bool {
    let what = format!("{} {} with {faults:?} of {}", scenario.verb, scenario.name, stage.calls);
    let sandbox = stage.sandbox.fork();
    faults.iter().for_each(|(call, fault)| sandbox.faults().at(*call, *fault));
    let world = start(&sandbox, stage.time, Some(&stage.served));
    let result = scenario.command.run(&world).await;
    let calls = sandbox.faults().calls();
    let met: Vec<&str> = faults.iter().filter_map(|(call, _)| calls.get(call - 1)).map(String::as_str).collect();
    if met.len() < faults.len() {
        // What one fault does is another test's business.
        return !met.is_empty();
    }
    let what = format!("{what} {met:?}");
    tally.ran(scenario.verb);
    if calls.len() > 3 * stage.calls + 40 {
        tally.wrong("unbounded", format!("{what}: {} calls", calls.len()));
    }
    stage.check_process(&sandbox, &world, faults.len(), &what, tally);
    sandbox.faults().clear();
    let after = Survey::take(&world).await;
    stage.check(&after, &what, tally);
    stage.check_truth(&result, &after, &what, tally);

    let next = start(&sandbox, stage.time, Some(&stage.served));
    let second = scenario.command.run(&next).await;
    let what = format!("{what}, then the same");
    let mut survey = Survey::take(&next).await;
    match &second {
        Err(error) if had_finished(error, &survey) => survey.forget_lease(),
        // As Helm: an install that has failed, and says so, is not installed over.
        Err(engine::Error::NameInUse { status: release::Status::Failed, .. }) if scenario.name == "strict" => {
            return true;
        }
        second => stage.check_answer(scenario, second, &survey, &what, tally),
    }
    stage.check(&survey, &what, tally);
    // What a hook that failed leaves is as its policy says, and the next command may have other hooks.
    survey.forget_hooks();
    stage.check_objects(scenario, &survey, &what, tally);
    true
}

#[test]
fn nothing_is_stuck_whatever_call_fails() {
    let tally = everywhere(async |scenario, tally| {
        let stage = Stage::set(scenario).await;
        for call in some_of(scenario) {
            let mut met = false;
            let overload = OVERLOADS.get(call % OVERLOADS.len()).copied();
            let others = FAULTS.into_iter().filter(|fault| !OVERLOADS.contains(fault));
            for fault in others.chain(overload) {
                met |= disturb(&stage, scenario, &[(call, fault)], tally).await;
            }
            if !met {
                break;
            }
        }
    });
    tally.print_and_check("single faults");
}

#[test]
fn nothing_is_stuck_whatever_two_calls_fail() {
    // Every call of the run with each of the next few, which are what deals with the first fault; and the kinds of
    // faults in turn, so that the number of runs stays bearable.
    let tally = everywhere(async |scenario, tally| {
        let stage = Stage::set(scenario).await;
        let mut kinds = FAULTS.iter().flat_map(|one| FAULTS.iter().map(move |two| (*one, *two))).cycle();
        for call in some_of(scenario) {
            let mut met = false;
            for second in call + 1..call + 6 {
                let Some((one, two)) = kinds.next() else { return };
                met |= disturb(&stage, scenario, &[(call, one), (second, two)], tally).await;
            }
            if !met {
                break;
            }
        }
    });
    tally.print_and_check("pairs of faults");
}
