//! The role of a function in `template.yaml` allows every request that the function makes to the table: the actions and
//! the partition keys, and writes only as parts of a transaction. (`sam/checks.py` checks that a role allows no more.)

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

tokio::task_local! {
    /// The function that a request to the table comes from.
    pub(crate) static FUNCTION: String;
}

static RESOURCES: LazyLock<Value> = LazyLock::new(|| {
    let template: Value = serde_saphyr::from_str(include_str!("../template.yaml")).unwrap();
    template["Resources"].clone()
});

/// What one statement of a role allows.
struct Grant {
    actions: Vec<String>,
    resource: String,
    /// The patterns of the partition keys that are allowed, or `None` if all are.
    keys: Option<Vec<String>>,
    /// The operation that the actions must be part of.
    within: Option<String>,
}

/// What each function may do, by the name of its binary.
static GRANTS: LazyLock<BTreeMap<String, Vec<Grant>>> = LazyLock::new(|| {
    let resources = RESOURCES.as_object().unwrap().values();
    let functions = resources.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    functions
        .map(|function| {
            let binary = &function["Metadata"]["BuildProperties"]["Binary"];
            let role = function["Properties"]["Role"].as_str().unwrap();
            let role = &RESOURCES[role.trim_end_matches(".Arn")]["Properties"];
            let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
            let grants = statements.as_array().unwrap().iter().map(grant);
            (binary.as_str().unwrap().to_owned(), grants.collect())
        })
        .collect()
});

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts = value.as_array()?.iter();
    Some(
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect(),
    )
}

fn grant(statement: &Value) -> Grant {
    let condition = &statement["Condition"];
    Grant {
        actions: texts(&statement["Action"]).unwrap(),
        // A grant of another service may have `NotResource` instead.
        resource: statement["Resource"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        keys: texts(&condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]),
        within: texts(&condition["ForAnyValue:StringEquals"]["dynamodb:EnclosingOperation"])
            .map(|mut operations| operations.remove(0)),
    }
}

/// How the indices of the table begin, as the template names them.
const INDEX: &str = "${Table.Arn}/index/";

/// What a request needs: each action with the partition keys that it touches, or the index.
fn needs(operation: &str, request: &Value) -> BTreeMap<&'static str, Vec<String>> {
    let key = |item: &Value| item["PK"]["S"].as_str().unwrap().to_owned();
    let mut needs: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    match operation {
        "GetItem" => needs
            .entry("GetItem")
            .or_default()
            .push(key(&request["Key"])),
        "BatchGetItem" => {
            for table in request["RequestItems"].as_object().unwrap().values() {
                let keys = table["Keys"].as_array().unwrap().iter().map(key);
                needs.entry("BatchGetItem").or_default().extend(keys);
            }
        }
        "Query" if request["IndexName"].is_string() => {
            let index = request["IndexName"].as_str().unwrap();
            let index = format!("{INDEX}{index}");
            needs.entry("Query").or_default().push(index);
        }
        "Query" => {
            let condition = request["KeyConditionExpression"].as_str().unwrap();
            let value = condition.split_whitespace().nth(2).unwrap();
            let key = &request["ExpressionAttributeValues"][value]["S"];
            let key = key.as_str().unwrap().to_owned();
            needs.entry("Query").or_default().push(key);
        }
        "TransactWriteItems" => {
            for item in request["TransactItems"].as_array().unwrap() {
                let (action, touched) = match item {
                    item if item["Put"].is_object() => ("PutItem", &item["Put"]["Item"]),
                    item if item["Update"].is_object() => ("UpdateItem", &item["Update"]["Key"]),
                    item if item["ConditionCheck"].is_object() => {
                        ("ConditionCheckItem", &item["ConditionCheck"]["Key"])
                    }
                    item => ("DeleteItem", &item["Delete"]["Key"]),
                };
                needs.entry(action).or_default().push(key(touched));
            }
        }
        other => panic!("no role allows {other}"),
    }
    needs
}

/// Whether a statement allows an action on all of these partitions.
fn allows(grant: &Grant, action: &str, keys: &[String], operation: &str) -> bool {
    let matches = |key: &String| {
        grant.keys.as_ref().is_none_or(|patterns| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| key.starts_with(pattern.trim_end_matches('*')))
        })
    };
    let index = keys.iter().find(|key| key.starts_with(INDEX));
    let resource = index.map_or("Table.Arn", String::as_str);
    grant.actions.contains(&format!("dynamodb:{action}"))
        && grant.resource == resource
        && (index.is_some() || keys.iter().all(matches))
        && grant
            .within
            .as_ref()
            .is_none_or(|within| within == operation)
}

/// Checks a request of a function against its role.
pub(crate) fn check(function: &str, operation: &str, request: &Value) {
    for (action, keys) in needs(operation, request) {
        let grants = &GRANTS[function];
        assert!(
            grants
                .iter()
                .any(|grant| allows(grant, action, &keys, operation)),
            "the role of {function} does not allow {action} on {keys:?} within {operation}"
        );
    }
}

#[test]
fn a_request_that_a_role_does_not_allow_is_seen() {
    let get = |key: &str| serde_json::json!({ "Key": { "PK": { "S": key }, "SK": { "S": "x" } } });
    check("get-balance", "GetItem", &get("SITE#GYM7QP2MR"));
    for (function, key) in [
        ("get-balance", "CODE#00"),
        ("issue-codes", "SITE#GYM7QP2MR"),
        ("manage-sites", "CODE#00"),
    ] {
        let refused = std::panic::catch_unwind(|| check(function, "GetItem", &get(key)));
        assert!(refused.is_err(), "{function} {key}");
    }
}
