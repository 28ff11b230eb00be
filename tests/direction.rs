//! The direction of imports: values ← model ← rules and store ← commands ← http ← functions ← infra.
//!
//! A file imports from lower floors, and on its own floor from the floor's shared pieces alone, each of which imports
//! from those before it. So there is no circle, at any size.

use std::fs;
use std::path::{Path, PathBuf};

/// A floor of the workspace.
struct Floor {
    /// The path of its module, as code names it.
    module: &'static str,
    /// The folder of its files, or its one file, from the root of the workspace.
    place: &'static str,
    /// The pieces that its files share, each of which imports from those before it alone.
    shared: &'static [&'static str],
    /// The floors that it imports from, by their modules.
    below: &'static [&'static str],
}

const VALUES: &str = "site_credits::domain::values";
const MODEL: &str = "site_credits::domain::model";
const RULES: &str = "site_credits::domain::rules";
const STORE: &str = "site_credits::store";
const SNS: &str = "site_credits::sns";
const COMMANDS: &str = "site_credits::commands";
const TELEMETRY: &str = "site_credits::telemetry";
const HTTP: &str = "site_credits::http";
const SETTINGS: &str = "site_credits::settings";
const FUNCTIONS: &[&str] = &[
    "deduct_monthly",
    "get_balance",
    "issue_codes",
    "manage_sites",
    "manage_users",
    "publish_notices",
    "recharge_sms",
    "record_receipts",
    "redeem_code",
    "send_sms",
];

const FLOORS: &[Floor] = &[
    Floor {
        module: VALUES,
        place: "shared/src/domain/values",
        shared: &[
            "text",
            "email",
            "crockford",
            "check_symbol",
            "secret",
            "time_zone",
            "country",
            "ids",
            "phone",
        ],
        below: &[],
    },
    Floor {
        module: MODEL,
        place: "shared/src/domain/model",
        // Two nouns meet here and nowhere else.
        shared: &[
            "limit",
            "wrong_codes",
            "agenda",
            "card",
            "user",
            "message",
            "code",
            "batch",
            "account",
            "site",
            "device",
            "entry",
            "request",
        ],
        below: &[VALUES],
    },
    Floor {
        module: RULES,
        place: "shared/src/domain/rules",
        shared: &[
            "forecast",
            "warnings",
            "agenda",
            "draft",
            "settle",
            "administrators",
        ],
        below: &[VALUES, MODEL],
    },
    Floor {
        module: STORE,
        place: "shared/src/store",
        shared: &["retry", "keys", "item", "conditional", "reads", "items"],
        below: &[VALUES, MODEL],
    },
    Floor {
        module: SNS,
        place: "shared/src/sns.rs",
        shared: &[],
        below: &[VALUES, MODEL, RULES],
    },
    Floor {
        module: COMMANDS,
        place: "shared/src/commands",
        shared: &[
            "asker",
            "pages",
            "people",
            "subject",
            "command",
            "execute",
            "steps",
            "sites",
            "invitations",
            "users",
            "deliveries",
            "batches",
        ],
        below: &[VALUES, MODEL, RULES, STORE, SNS],
    },
    Floor {
        module: TELEMETRY,
        place: "shared/src/telemetry.rs",
        shared: &[],
        below: &[],
    },
    Floor {
        module: HTTP,
        place: "shared/src/http",
        shared: &[
            "headers",
            "problem",
            "refusals",
            "describe",
            "cursors",
            "words",
            "schemas",
            "reply",
            "accept",
            "query",
            "extract",
            "body",
            "users_csv",
            "cards",
            "routes",
        ],
        below: &[VALUES, MODEL, RULES, STORE, SNS, COMMANDS, TELEMETRY],
    },
    Floor {
        module: SETTINGS,
        place: "shared/src/settings.rs",
        shared: &[],
        below: &[VALUES, STORE, SNS, HTTP],
    },
];

/// The functions, each of which imports from the shared crate and from no other.
fn functions() -> impl Iterator<Item = Floor> {
    FUNCTIONS.iter().map(|module| Floor {
        module,
        place: Box::leak(format!("functions/{}/src", module.replace('_', "-")).into_boxed_str()),
        shared: &[],
        below: &["site_credits"],
    })
}

/// The local machine: each of its files imports from those before it.
fn local_machine() -> Floor {
    let below: Vec<&str> = FUNCTIONS.iter().copied().chain(["site_credits"]).collect();
    Floor {
        module: "run_local",
        place: "infra/local/src",
        shared: &[
            "clock",
            "issuer",
            "template",
            "faults",
            "stream",
            "folder",
            "engine",
            "connector",
            "sns",
            "seed",
            "welcome",
            "verify",
            "functions",
            "openapi",
            "schedule",
            "delivery",
            "hosts",
            "gateway",
            "machine",
            "demo",
            "appoint",
            "cli",
        ],
        below: below.leak(),
    }
}

#[test]
fn every_import_goes_downwards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut floors: Vec<Floor> = functions().chain([local_machine()]).collect();
    let files_of = |floor: &Floor| files(&root.join(floor.place));
    let mut upwards = Vec::new();
    let mut imports = 0;
    floors.extend(shared_floors());
    for floor in &floors {
        for file in files_of(floor) {
            let text = fs::read_to_string(&file).unwrap();
            let module = module_of(floor, &root.join(floor.place), &file);
            for (line, path) in imports_of(&text, &module) {
                imports += 1;
                if let Some(why) = refused(&floors, floor, &module, &path) {
                    let file = file.strip_prefix(root).unwrap().display();
                    upwards.push(format!("{file}:{line}: {path}: {why}"));
                }
            }
        }
    }
    assert!(imports > 500, "only {imports} imports were found");
    assert!(upwards.is_empty(), "{}", upwards.join("\n"));
}

/// A copy of the floors of the shared crate.
fn shared_floors() -> impl Iterator<Item = Floor> {
    FLOORS.iter().map(|floor| Floor { ..*floor })
}

/// Every file with code at a place.
fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries =
        fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let code = paths.filter(|path| path.is_dir() || path.extension().is_some_and(|it| it == "rs"));
    let mut files: Vec<PathBuf> = code.flat_map(|path| files(&path)).collect();
    files.retain(|file| file.file_stem().is_none_or(|name| name != "tests"));
    files.sort();
    files
}

/// The module that a file is.
fn module_of(floor: &Floor, place: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(place).unwrap().with_extension("");
    let inside = inside.iter().map(|part| part.to_str().unwrap());
    let inside = inside.filter(|part| !["mod", "lib", "main"].contains(part));
    [floor.module]
        .into_iter()
        .chain(inside)
        .collect::<Vec<_>>()
        .join("::")
}

/// The paths that a file imports, outside of its tests, each with its line. Those that start with `crate`, `self` or `super`
/// are made whole.
fn imports_of(text: &str, module: &str) -> Vec<(usize, String)> {
    // The tests of a file stand at its end; a `mod tests;` is a file of its own, before the imports.
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let mut imports = Vec::new();
    let mut lines = code.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        let imported = line.strip_prefix("use ").or_else(|| {
            let (visibility, rest) = line.split_once(" use ")?;
            visibility.starts_with("pub").then_some(rest)
        });
        let Some(imported) = imported else { continue };
        let mut tree = imported.to_owned();
        while !tree.contains(';') {
            tree.push_str(lines.next().unwrap().1.trim());
        }
        let tree = tree.split(';').next().unwrap().to_owned();
        let paths = flattened("", &tree).into_iter();
        imports.extend(paths.map(|path| (number + 1, whole(&path, module))));
    }
    imports
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn flattened(prefix: &str, tree: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, character) in tree.char_indices().chain([(tree.len(), ',')]) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = tree[start..at].trim();
                start = at + 1;
                match part.split_once('{') {
                    Some((before, inner)) => {
                        let inner = inner.rsplit_once('}').unwrap().0;
                        paths.extend(flattened(&format!("{prefix}{before}"), inner));
                    }
                    None if part.is_empty() => {}
                    None => paths.push(format!("{prefix}{}", part.split(" as ").next().unwrap())),
                }
            }
            _ => {}
        }
    }
    paths
}

/// A path from the root of its crate.
fn whole(path: &str, module: &str) -> String {
    let path = path.strip_suffix("::self").unwrap_or(path);
    let crate_name = module.split("::").next().unwrap();
    if let Some(rest) = path.strip_prefix("crate::") {
        return format!("{crate_name}::{rest}");
    }
    if let Some(rest) = path.strip_prefix("super::") {
        let parent = module
            .rsplit_once("::")
            .map_or(module, |(parent, _)| parent);
        return format!("{parent}::{rest}");
    }
    path.strip_prefix("self::")
        .map_or_else(|| path.to_owned(), |rest| format!("{module}::{rest}"))
}

/// Why a module may not import a path, if it may not.
fn refused(floors: &[Floor], own: &Floor, module: &str, path: &str) -> Option<String> {
    let is_in = |path: &str, module: &str| {
        path.strip_prefix(module)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let target = floors.iter().filter(|floor| is_in(path, floor.module));
    let Some(target) = target.max_by_key(|floor| floor.module.len()) else {
        let of_workspace = floors
            .iter()
            .any(|floor| is_in(floor.module, path.split("::").next().unwrap_or(path)));
        return of_workspace.then(|| "this is on no floor".to_owned());
    };
    if target.module != own.module {
        let below = own.below.iter().any(|below| is_in(target.module, below));
        return (!below).then(|| format!("{} is not below {}", target.module, own.module));
    }
    let piece_of = |path: &str| {
        let rest = path.strip_prefix(own.module).unwrap_or_default();
        rest.trim_start_matches("::")
            .split("::")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let (piece, own_piece) = (piece_of(path), piece_of(module));
    // What the facade itself has is a name as well, and no file.
    let place = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join(own.place);
    let is_file = place.join(&piece).is_dir() || place.join(format!("{piece}.rs")).is_file();
    // A facade may show its own pieces, and a piece its own parts; what stands in the facade itself is everybody's.
    if own_piece.is_empty() || piece == own_piece || !is_file {
        return None;
    }
    let place = |piece: &str| own.shared.iter().position(|shared| *shared == piece);
    match (place(&piece), place(&own_piece)) {
        (None, _) => Some(format!("{piece} is not a shared piece of {}", own.module)),
        (Some(piece), Some(own)) if piece >= own => Some("it comes after this file".to_owned()),
        (Some(_), _) => None,
    }
}
