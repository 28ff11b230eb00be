//! What a route takes and answers.

use serde_json::{Map, Value, json};
use site_credits::http::ProblemCode;
use site_credits::http::describe::Content;
use site_credits::http::schemas::to;

/// The response of a status, and its name where it is as everywhere: not where a route says more of it, its `own` prose.
pub(super) fn response(
    prose: &Value,
    own: &Value,
    status: u16,
    problems: &[ProblemCode],
) -> (Option<String>, Value) {
    let said = |problem: &ProblemCode, what: &str| {
        let code = problem.as_str();
        let own = &own[code][what];
        let common = &prose["problems"][code][what];
        if own.is_null() {
            common.clone()
        } else {
            own.clone()
        }
    };
    let mut texts: Vec<String> = problems
        .iter()
        .map(|problem| {
            let text = said(problem, "description");
            format!(
                "`{}`: {}",
                problem.as_str(),
                text.as_str().unwrap_or_default()
            )
        })
        .collect();
    let mut content = Map::new();
    if !problems.is_empty() {
        let codes: Vec<&str> = problems.iter().map(|problem| problem.as_str()).collect();
        let mut examples = Map::new();
        for problem in problems {
            let more = said(problem, "example");
            let mut example = json!({
                "type": problem.urn(),
                "title": problem.title(),
                "status": status,
                "code": problem.as_str(),
            });
            if let (Some(example), Some(more)) = (example.as_object_mut(), more.as_object()) {
                example.extend(more.clone());
                examples.insert(problem.as_str().to_owned(), json!({ "value": example }));
            }
        }
        let mut schema = to("Problem");
        schema["properties"] = json!({ "status": { "const": status }, "code": { "enum": codes } });
        content.insert(
            "application/problem+json".to_owned(),
            json!({ "schema": schema, "examples": examples }),
        );
    }
    if status == 429 {
        texts.push(text(&prose["gateway"]["TooManyRequests"]));
        content.insert(
            "application/json".to_owned(),
            json!({ "schema": to("GatewayMessage"), "example": { "message": "Too Many Requests" } }),
        );
    }
    let mut response = json!({ "description": texts.join(" "), "content": content });
    if status == 503 || (status == 429 && !problems.is_empty()) {
        let mut header = json!({ "$ref": "#/components/headers/RetryAfter" });
        if status == 429 {
            // The gateway's own has none.
            header = prose["gateway"]["RetryAfterLimit"].clone();
            header["schema"] = json!({ "type": "integer", "minimum": 1 });
        }
        response["headers"] = json!({ "Retry-After": header });
    }
    let changed = problems
        .iter()
        .any(|problem| !own[problem.as_str()].is_null());
    ((!changed).then(|| name_of(problems)), response)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The name of the response that has these problems.
fn name_of(problems: &[ProblemCode]) -> String {
    if problems.is_empty() {
        return "TooManyRequests".to_owned();
    }
    let names = problems.iter().map(|problem| format!("{problem:?}"));
    names.collect::<Vec<_>>().join("Or")
}

/// The forms of an answer, with their examples.
pub(super) fn contents(forms: &[Content], prose: &Value) -> Value {
    let forms = forms.iter().map(|(media_type, name)| {
        let schema = match name {
            Some(name) => to(name),
            None => json!({ "type": "string" }),
        };
        let mut content = json!({ "schema": schema, "example": prose["examples"][media_type] });
        if let Value::String(text) = &prose["schemas"][media_type] {
            content["schema"]["description"] = json!(text);
        }
        ((*media_type).to_owned(), content)
    });
    forms.collect::<Map<_, _>>().into()
}

/// What a route takes as its body.
pub(super) fn request_body(forms: &[Content], prose: &Value) -> Value {
    let content = forms.iter().map(|(media_type, schema)| {
        let mut content = json!({ "example": prose["request"] });
        content["schema"] = match (*media_type, schema) {
            (_, Some(name)) => to(name),
            ("application/octet-stream", None) => json!({ "type": "string", "format": "binary" }),
            (_, None) => json!({ "type": "string", "maxLength": 524_288 }),
        };
        if schema.is_none() {
            content["schema"]["description"] = prose["requestDescription"].clone();
        }
        ((*media_type).to_owned(), content)
    });
    json!({
        "required": true,
        "content": content.collect::<Map<_, _>>(),
    })
}
