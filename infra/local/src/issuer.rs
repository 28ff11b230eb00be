//! An OIDC issuer for this machine. It issues a token for anyone; no deployed function trusts its keys.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The audience of the tokens.
const AUDIENCE: &str = "site-credits";
/// The ID of the one key.
const KEY_ID: &str = "local";
/// How long a token lives, in seconds.
const LIFETIME_S: i64 = 12 * 3_600;

/// The issuer could not be set up, or a token was refused.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The key could not be generated.
    #[error("the key could not be generated")]
    Key(#[from] Unspecified),
    /// The library refused a token or a key.
    #[error("a token or a key was refused: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
}

/// Who a token is for.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// An administrator's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address counts as verified, as it does unless this says no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The partner that the bearer acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<String>,
}

/// The issuer, with a key that lives as long as the process.
pub struct Issuer {
    url: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    jwk: Jwk,
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// Makes an issuer with a new P-256 key. (The HTTP API of AWS only takes RSA keys, which take seconds to generate.)
    ///
    /// # Errors
    /// The key could not be generated.
    pub fn at(url: String) -> Result<Self, IssuerError> {
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let signing = EncodingKey::from_ec_der(pair.as_ref());
        let mut jwk = Jwk::from_encoding_key(&signing, Algorithm::ES256)?;
        jwk.common.key_id = Some(KEY_ID.to_owned());
        Ok(Self {
            url,
            verifying: DecodingKey::from_jwk(&jwk)?,
            signing,
            jwk,
        })
    }

    /// A token, dated by the machine's clock and not by the local clock.
    ///
    /// # Errors
    /// The library refused to sign.
    #[expect(clippy::disallowed_methods, reason = "a token expires in real time")]
    pub fn token(&self, person: &Person) -> Result<Value, IssuerError> {
        let now = Timestamp::now().as_second();
        let subject = person
            .email
            .as_deref()
            .or(person.partner_id.as_deref())
            .unwrap_or("nobody");
        let mut claims = Map::from_iter([
            ("iss".to_owned(), json!(self.url)),
            ("aud".to_owned(), json!(AUDIENCE)),
            ("sub".to_owned(), json!(subject)),
            ("iat".to_owned(), json!(now)),
            ("exp".to_owned(), json!(now + LIFETIME_S)),
        ]);
        if let Some(email) = &person.email {
            claims.insert("email".to_owned(), json!(email));
            let verified = person.email_verified.unwrap_or(true);
            claims.insert("email_verified".to_owned(), json!(verified));
        }
        if let Some(partner_id) = &person.partner_id {
            claims.insert("partner_id".to_owned(), json!(partner_id));
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(KEY_ID.to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &self.signing)?;
        Ok(json!({ "access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S }))
    }

    /// The claims of a token, each as a text, as the HTTP API's authorizer passes them on.
    ///
    /// # Errors
    /// The token is not this issuer's, was changed, or has expired.
    pub fn claims(&self, token: &str) -> Result<BTreeMap<String, String>, IssuerError> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.url]);
        let token =
            jsonwebtoken::decode::<BTreeMap<String, Value>>(token, &self.verifying, &validation)?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Ok(token
            .claims
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect())
    }

    /// The document of OIDC discovery.
    #[must_use]
    pub fn discovery(&self) -> Value {
        json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/.well-known/jwks.json", self.url),
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
            "response_types_supported": ["token"],
        })
    }

    /// The public key.
    #[must_use]
    pub fn keys(&self) -> Value {
        json!({ "keys": [self.jwk] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token signed by the issuer's key, with one claim changed.
    fn token(issuer: &Issuer, name: &str, value: Value) -> String {
        let now = 4_000_000_000_i64;
        let mut claims = json!({ "iss": issuer.url, "aud": AUDIENCE, "sub": "kim", "exp": now });
        claims[name] = value;
        let header = Header::new(Algorithm::ES256);
        jsonwebtoken::encode(&header, &claims, &issuer.signing).unwrap()
    }

    #[test]
    fn a_token_is_valid_only_for_its_audience_issuer_key_and_lifetime() {
        let issuer = Issuer::at("http://127.0.0.1:3000".to_owned()).unwrap();
        let good = token(&issuer, "email", json!("kim@example.com"));
        assert_eq!(issuer.claims(&good).unwrap()["email"], "kim@example.com");
        for (name, value) in [
            ("aud", json!("somebody-else")),
            ("iss", json!("http://127.0.0.1:4000")),
            ("exp", json!(1_000_000_000)),
            ("exp", Value::Null),
        ] {
            let bad = token(&issuer, name, value);
            assert!(issuer.claims(&bad).is_err(), "{name}");
        }
        let other = Issuer::at(issuer.url.clone()).unwrap();
        assert!(other.claims(&good).is_err(), "another key");
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
        assert!(issuer.claims(&unsigned).is_err(), "no signature");
    }
}
