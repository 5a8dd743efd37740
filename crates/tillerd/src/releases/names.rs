//! Names: whether one is free, and made-up ones, as Helm 2.17: `pkg/tiller/release_server.go uniqName`.

use rand::seq::IndexedRandom;
use tiller::RecordError;
use tiller::hapi::release::status::Code;

use super::{LONGEST_NAME, Releases};
use crate::failure::Failure;

/// How often a name is made up.
const TRIES: usize = 5;

/// How something may be.
const HOW: &[&str] = &[
    "agile", "amber", "ample", "arctic", "azure", "balmy", "blithe", "bold", "bonny", "brave", "breezy", "bright",
    "brisk", "bronze", "calm", "candid", "chilly", "civil", "clever", "cobalt", "copper", "coral", "cosy", "crisp",
    "curious", "dapper", "daring", "deft", "dewy", "distant", "dusky", "eager", "early", "earnest", "easy", "fabled",
    "fair", "famous", "fleet", "fluent", "foggy", "fond", "frank", "frosty", "gentle", "gilded", "glad", "golden",
    "grand", "green", "handy", "happy", "hardy", "hazel", "honest", "humble", "icy", "idle", "ivory", "jade", "jaunty",
    "jolly", "keen", "kind", "late", "lively", "lofty", "loyal", "lucid", "lucky", "mellow", "merry", "mighty", "mild",
    "misty", "modest", "neat", "nimble", "noble", "odd", "olive", "patient", "plucky", "polite", "proud", "quick",
    "quiet", "rapid", "ready", "rosy", "royal", "rustic", "sage", "sandy", "scarlet", "shy", "silent", "silver",
    "sleek", "smart", "snowy", "sober", "solid", "spry", "stark", "steady", "stout", "sturdy", "sunny", "swift",
    "tame", "tidy", "timely", "tranquil", "upbeat", "urban", "vivid", "warm", "wary", "wild", "windy", "wise", "witty",
    "young", "zesty",
];

/// What it may be.
const WHAT: &[&str] = &[
    "adder", "alpaca", "ant", "auk", "badger", "bat", "bear", "beaver", "bee", "bison", "boar", "bream", "camel",
    "carp", "cat", "cobra", "cod", "coot", "crab", "crane", "crow", "curlew", "deer", "dingo", "dove", "eagle", "eel",
    "egret", "eland", "elk", "emu", "falcon", "ferret", "finch", "fox", "frog", "gecko", "gnu", "goat", "goose",
    "grebe", "grouse", "gull", "hare", "hawk", "heron", "hippo", "hoopoe", "horse", "hyena", "ibex", "ibis", "impala",
    "jackal", "jay", "kite", "kiwi", "koala", "lark", "lemur", "lion", "llama", "lynx", "magpie", "marmot", "marten",
    "mink", "mole", "moose", "moth", "mouse", "mule", "newt", "okapi", "oriole", "otter", "owl", "ox", "panda", "pike",
    "plover", "pony", "puffin", "puma", "quail", "rabbit", "raven", "robin", "rook", "salmon", "seal", "shrew",
    "skunk", "sloth", "snail", "snipe", "sparrow", "squid", "stoat", "stork", "swan", "swift", "tapir", "tern",
    "thrush", "tiger", "toad", "trout", "viper", "vole", "walrus", "wasp", "weasel", "whale", "wolf", "wombat", "wren",
    "yak", "zebra",
];

impl Releases {
    /// Checks that a release can be installed under a name: nobody has it, or what has it may be replaced.
    pub(super) async fn check_free(&self, asked: &str, reuse: bool) -> Result<(), Failure> {
        if asked.len() > LONGEST_NAME {
            return Err(Failure(format!("release name {asked:?} exceeds max length of {LONGEST_NAME}")));
        }
        let last = match self.store.last(asked).await {
            Ok(last) => last,
            Err(RecordError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if reuse && matches!(last.code(), Code::Deleted | Code::Failed) {
            return Ok(());
        }
        Err(Failure(if reuse {
            format!("a release named {asked} is in use, cannot re-use a name that is still in use")
        } else {
            format!(
                "a release named {asked} already exists.\nRun: helm ls --all {asked}; to check the status of the release\nOr run: helm del --purge {asked}; to delete it"
            )
        }))
    }

    /// Makes up a name that nobody has.
    pub(super) async fn made_up(&self) -> Result<String, Failure> {
        for _ in 0..TRIES {
            let name = {
                let mut random = rand::rng();
                let word = |words: &[&'static str], random: &mut _| words.choose(random).copied().unwrap_or("a");
                format!("{}-{}", word(HOW, &mut random), word(WHAT, &mut random))
            };
            match self.store.read(&name, 1).await {
                Err(RecordError::NotFound(_)) => return Ok(name),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new("no available release name found"))
    }
}
