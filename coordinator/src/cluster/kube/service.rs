//! Services one by one: how one looks now, and its creation from a cleaned copy. A service that exists is never changed.

use super::api::{Api, ApiError, ApiStatus};
use super::survey;
use podlift_engine::doors::ServiceView;
use podlift_model::Failure;
use serde_json::Value;

/// Code of the failure that an object, which was to be created, exists: a person or a controller has made it anew.
pub(super) const MADE_ANEW: &str = "made-anew";

fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/{name}")
}

/// `None` if there is no such service.
pub(super) async fn read(api: &Api, namespace: &str, name: &str) -> Result<Option<ServiceView>, Failure> {
    Ok(api.find(&path(namespace, name)).await?.map(view))
}

fn view(raw: Value) -> ServiceView {
    ServiceView { view: survey::load_balancer(&raw), release: survey::release(&raw), raw }
}

/// Creates the service. The API refuses a name that exists, so nothing can be overwritten.
pub(super) async fn restore(api: &Api, object: &Value) -> Result<String, Failure> {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    if namespace.is_empty() || name.is_empty() {
        let text =
            "the copy of a service has no namespace or no name: its backup is damaged; podlift backup verify";
        return Err(Failure::operator("bad-copy", text));
    }
    let at = format!("/api/v1/namespaces/{namespace}/services?fieldManager=podlift");
    let error = match api.post(&at, object).await {
        Ok(_) => return Ok(format!("service {namespace}/{name} created again")),
        Err(error) => error,
    };
    // An API server allocates the address and the ports before it looks at the name, so a service that exists with the same ones is refused
    // as invalid (422), and not as existing (409).
    let ApiError::Status(status @ ApiStatus { code: 409 | 422, .. }) = &error else {
        return Err(error.into());
    };
    match written_by(api, &path(namespace, name)).await? {
        Some(Author::Podlift) => Ok(format!("service {namespace}/{name} was created again already")),
        Some(Author::Other) => Err(made_anew("service", (namespace, name))),
        None if status.code == 422 => Err(copy_refused((namespace, name), &status.message)),
        None => Err(error.into()),
    }
}

/// Who has created an object that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// An attempt before this one, whose answer was lost.
    Podlift,
    Other,
}

/// `None` if there is no such object.
pub(super) async fn written_by(api: &Api, path: &str) -> Result<Option<Author>, Failure> {
    let Some(mut object) = api.find(path).await? else { return Ok(None) };
    super::secret::wipe(&mut object);
    let mut fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    Ok(Some(if fields.any(|f| f["manager"] == MANAGER) { Author::Podlift } else { Author::Other }))
}

/// podlift's name as a writer of objects.
const MANAGER: &str = "podlift";

/// The failure of a creation: the object exists.
pub(super) fn made_anew(kind: &str, (namespace, name): (&str, &str)) -> Failure {
    let text = format!(
        "{kind} {namespace}/{name} exists again: another client has made it anew, and podlift replaces no object; to keep it, leave it; to have the recorded one back: kubectl -n {namespace} delete {kind} {name}"
    );
    Failure::operator(MADE_ANEW, text)
}

/// An address or a port of the copy belongs to another service now.
fn copy_refused((namespace, name): (&str, &str), why: &str) -> Failure {
    let text = format!(
        "the API server does not take the copy of service {namespace}/{name}: {why}; kubectl get services -A -o wide shows what holds it"
    );
    Failure::operator("copy-refused", text)
}
