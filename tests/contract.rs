//! The contract, `openapi.yaml`, held against the code: its routes, its problems, the fields of its bodies, and every
//! answer that any test gets.

use run_local::template;
use serde_json::{Value, json};
use site_credits::http::{self, Body, OPENAPI, ProblemCode};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

/// The contract, read once.
static CONTRACT: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(OPENAPI).unwrap());

/// A place of the contract where a schema stands, and what checks a value against it.
type Validators = HashMap<String, Arc<jsonschema::Validator>>;
static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);

/// What checks a value against the schema at a place of the contract.
fn validator(place: &str, schema: &Value) -> Arc<jsonschema::Validator> {
    let mut validators = VALIDATORS.lock().unwrap();
    if let Some(known) = validators.get(place) {
        return Arc::clone(known);
    }
    let mut root = schema.clone();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["components"] = CONTRACT["components"].clone();
    let made = jsonschema::options()
        .should_validate_formats(true)
        .build(&root)
        .unwrap_or_else(|error| panic!("the schema of {place}: {error}"));
    let made = Arc::new(made);
    validators.insert(place.to_owned(), Arc::clone(&made));
    made
}

fn assert_valid(place: &str, schema: &Value, value: &Value) {
    let validator = validator(place, schema);
    if !validator.is_valid(value) {
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        panic!("{place} is not of its form in the contract: {errors:#?}\n{value:#}");
    }
}

/// What a reference leads to, or the thing itself.
fn resolved(thing: &Value) -> &Value {
    match thing["$ref"].as_str() {
        Some(reference) => CONTRACT
            .pointer(&reference[1..])
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => thing,
    }
}

/// The operation of a route, such as `GET /sites/{site_id}`.
fn operation(route: &str) -> Option<&'static Value> {
    let (method, path) = route.split_once(' ')?;
    CONTRACT["paths"].get(path)?.get(method.to_lowercase())
}

/// Checks an answer, and the body of a request that was carried out, against the contract.
pub(crate) fn check(event: &Value, answer: &Value) {
    let route = event["routeKey"].as_str().unwrap_or_default();
    // Events that no gateway makes lead to no route.
    let Some(operation) = operation(route) else {
        return;
    };
    let status = &answer["statusCode"];
    let listed = resolved(&operation["responses"][status.to_string()]);
    assert!(
        listed.is_object(),
        "{route} answered {status}, which the contract does not list: {answer}"
    );
    let text = answer["body"].as_str().unwrap();
    let media_type = answer["headers"]["content-type"].as_str().unwrap();
    let media_type = media_type.split(';').next().unwrap();
    let content = &listed["content"][media_type];
    assert!(
        content.is_object(),
        "{route} {status} is {media_type}, which the contract does not list"
    );
    if media_type.ends_with("json") {
        let body = serde_json::from_str(text).unwrap();
        let place = format!("{route} {status}");
        assert_valid(&place, &content["schema"], &body);
    }
    let done = status.as_u64().is_some_and(|status| status < 300);
    let request = &resolved(&operation["requestBody"])["content"]["application/json"];
    let base64 = event["isBase64Encoded"] == true;
    // A file is checked by those who read it.
    let checked = done && !base64 && request.is_object();
    if let Some(body) = event["body"].as_str().filter(|_| checked) {
        let body = serde_json::from_str(body.trim_start_matches('\u{feff}')).unwrap();
        assert_valid(&format!("{route} request"), &request["schema"], &body);
    }
}

#[test]
fn the_contract_is_current() {
    let current = run_local::openapi::document().unwrap();
    assert!(
        current == OPENAPI,
        "openapi.yaml is not what the code says: cargo run -- openapi > openapi.yaml"
    );
}

#[test]
fn the_readme_has_every_route_in_its_table() {
    let readme = include_str!("../README.md");
    let cells = readme.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split("` | `");
        let (method, rest) = (cells.next()?, cells.next()?);
        let (path, _) = rest.split_once('`')?;
        path.starts_with('/').then(|| format!("{method} {path}"))
    });
    let routes = run_local::functions::routes().into_iter();
    let routes: BTreeSet<String> = routes.map(|(key, _)| key.to_owned()).collect();
    assert_eq!(cells.collect::<BTreeSet<_>>(), routes);
}

#[test]
fn the_contract_has_every_route_and_no_other() {
    let routes: BTreeSet<String> = template::routes()
        .unwrap()
        .iter()
        .map(template::Route::key)
        .collect();
    let mut listed = BTreeSet::new();
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if method != "parameters" {
                listed.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    assert_eq!(listed, routes);
}

#[test]
fn the_contract_says_which_routes_need_no_token() {
    for route in template::routes().unwrap() {
        let operation = operation(&route.key()).unwrap();
        let security = operation.get("security").unwrap_or(&CONTRACT["security"]);
        let open = security.as_array().unwrap().is_empty();
        assert_eq!(open, route.open, "{}", route.key());
    }
}

#[test]
fn the_contract_has_every_problem_with_its_status_and_no_other() {
    let problem = &CONTRACT["components"]["schemas"]["Problem"];
    let listed: BTreeMap<&str, u64> = problem["x-statuses"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(code, status)| (code.as_str(), status.as_u64().unwrap()))
        .collect();
    let codes: BTreeMap<&str, u64> = ProblemCode::ALL
        .iter()
        .map(|code| (code.as_str(), u64::from(code.status())))
        .collect();
    assert_eq!(listed, codes);
    let named = problem["properties"]["code"]["enum"].as_array().unwrap();
    let named: BTreeSet<&str> = named.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(named, codes.into_keys().collect());
}

/// Holds the schema of a request's body against the type that reads it, with the example of the route that takes it.
fn assert_reads<T: Body>(name: &str, example: &Value) {
    let schema = &CONTRACT["components"]["schemas"][name];
    let properties = schema["properties"].as_object().unwrap();
    let listed: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
    assert_eq!(
        listed,
        T::MEMBERS.iter().copied().collect(),
        "the members of {name}"
    );
    let reads = |body: &Value| http::body::read::<T>(body.to_string().as_bytes()).is_ok();
    assert!(reads(example), "{name}: {example}");
    let example = example.as_object().unwrap();
    let required = schema["required"].as_array();
    for member in example.keys() {
        let mut without = example.clone();
        without.remove(member);
        let listed = required.is_some_and(|required| required.contains(&json!(member)));
        assert_eq!(!reads(&json!(without)), listed, "{name} needs {member}");
    }
    let mut more = example.clone();
    more.insert("unheard_of".to_owned(), Value::Null);
    assert!(!reads(&json!(more)), "{name}");
}

/// The example of a request's body.
fn example(route: &str) -> &'static Value {
    let content = &resolved(&operation(route).unwrap()["requestBody"])["content"];
    &content["application/json"]["example"]
}

#[test]
fn the_contract_has_every_member_of_every_body() {
    let of_site = |route: &str| {
        let (method, rest) = route.split_once(' ').unwrap();
        example(&format!("{method} /sites/{{site_id}}{rest}"))
    };
    let batches = "POST /partners/{partner_id}/code-batches";
    assert_reads::<http::batches::NewBatchBody>("NewBatchBody", example(batches));
    let void = example(&format!("{batches}/{{batch_id}}/void"));
    assert_reads::<http::batches::VoidBody>("VoidBody", void);
    assert_reads::<http::sites::NewSiteBody>("NewSiteBody", example("POST /sites"));
    assert_reads::<http::sites::SettingsBody>("SettingsBody", of_site("PATCH "));
    assert_reads::<http::license::PreviewBody>("PreviewBody", of_site("POST /license/preview"));
    for route in ["POST /license/redemptions", "POST /sms/redemptions"] {
        assert_reads::<http::license::RedemptionBody>("RedemptionBody", of_site(route));
    }
    let admins = of_site("POST /admins");
    assert_reads::<http::administrators::AdministratorBody>("AdministratorBody", admins);
    let admin = of_site("PATCH /admins/{email}");
    assert_reads::<http::administrators::RoleBody>("RoleBody", admin);
    let devices = of_site("POST /devices");
    assert_reads::<http::devices::DevicesBody>("DevicesBody", devices);
    assert_reads::<http::devices::DeviceBody>("DeviceBody", &devices["devices"][0]);
    assert_reads::<http::users::UserBody>("UserBody", of_site("POST /users"));
    let user = of_site("PATCH /users/{user_id}");
    assert_reads::<http::users::UserChangeBody>("UserChangeBody", user);
    for route in ["POST /sms/messages", "POST /sms/messages/preview"] {
        assert_reads::<http::messages::MessageBody>("MessageBody", of_site(route));
    }
    let delivery = of_site("POST /users/{user_id}/card/deliveries");
    assert_reads::<http::messages::DeliveryBody>("DeliveryBody", delivery);
    for route in [
        "POST /users/{user_id}/card",
        "POST /users/{user_id}/card/reissues",
    ] {
        assert_reads::<http::cards::CardBody>("CardBody", of_site(route));
    }
    let card = of_site("PATCH /users/{user_id}/card");
    assert_reads::<http::cards::CardStatusBody>("CardStatusBody", card);
}

#[test]
fn no_object_of_the_contract_takes_members_that_it_does_not_name() {
    // Otherwise an answer with a new member would be of its form, and the tests above would show nothing.
    fn assert_closed(place: &str, schema: &Value) -> usize {
        let mut closed = 0;
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{place} is open");
            closed += 1;
        }
        match schema {
            Value::Object(members) => {
                let members = members.iter().filter(|(name, _)| *name != "example");
                closed
                    + members
                        .map(|(name, member)| assert_closed(&format!("{place}/{name}"), member))
                        .sum::<usize>()
            }
            Value::Array(members) => {
                let members = members.iter();
                closed
                    + members
                        .map(|member| assert_closed(place, member))
                        .sum::<usize>()
            }
            _ => closed,
        }
    }
    let closed = assert_closed("schemas", &CONTRACT["components"]["schemas"]);
    assert!(closed > 50, "{closed}");
    // And every answer in JSON is of such a schema.
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for answer in operation["responses"].as_object().into_iter().flatten() {
                let content = &resolved(answer.1)["content"]["application/json"];
                let open = content.is_object() && content["schema"]["$ref"].is_null();
                assert!(!open, "{path} {}", answer.0);
            }
        }
    }
}

#[test]
fn every_example_is_of_the_form_that_it_shows() {
    let mut examples = 0;
    for (path, item) in CONTRACT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{} {path}", method.to_uppercase());
            let request = &resolved(&operation["requestBody"])["content"];
            let answers = operation["responses"].as_object();
            let done = answers.into_iter().flatten();
            let done = done.filter(|(status, _)| status.starts_with('2'));
            let done = done.map(|(status, answer)| (status.as_str(), &resolved(answer)["content"]));
            for (what, content) in done.chain([("request", request)]) {
                for (media_type, content) in content.as_object().into_iter().flatten() {
                    let example = &content["example"];
                    assert!(
                        !example.is_null(),
                        "{place} {what} {media_type} has no example"
                    );
                    let place = format!("the example of {place} {what} {media_type}");
                    assert_valid(&place, &content["schema"], example);
                    examples += 1;
                }
            }
        }
    }
    assert!(examples > 30, "{examples}");
}
