//! `completion`: scripts that teach a shell what may come next.

use crate::command::{Call, Command, PLAIN};
use crate::fail::Outcome;
use crate::output::print;

/// The command of a shell.
macro_rules! shell {
    ($shell:literal, $how:literal) => {{
        static SHELL: Command = Command {
            name: $shell,
            usage: $shell,
            about: concat!("print the script for ", $shell),
            long: concat!(
                "Prints the script that teaches ",
                $shell,
                " the commands, flags and values of whipstaff, and the releases and\nrevisions that there are."
            ),
            examples: &[$how],
            run: Some(|_: &Call| script(include_str!(concat!("../completion/", $shell)))),
            ..PLAIN
        };
        &SHELL
    }};
}

pub(crate) static COMMAND: Command = Command {
    name: "completion",
    usage: "completion",
    about: "print a script that completes commands in a shell",
    long: "Prints a script that teaches a shell what may come next on a command line. Where `helm` is an alias of\n\
           whipstaff, `whipstaff completion SHELL` teaches that word as well.",
    examples: &["source <(whipstaff completion bash)"],
    below: &[
        shell!("bash", "source <(whipstaff completion bash)   # in ~/.bashrc"),
        shell!("fish", "whipstaff completion fish > ~/.config/fish/completions/whipstaff.fish"),
        shell!("powershell", "whipstaff completion powershell | Out-String | Invoke-Expression   # in $PROFILE"),
        shell!("zsh", "source <(whipstaff completion zsh)   # in ~/.zshrc, after compinit"),
    ],
    ..PLAIN
};

fn script(text: &str) -> Outcome {
    print(text)
}
