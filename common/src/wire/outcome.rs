//! Outcomes on the wire.

use super::{WireError, from_document, to_document};
use podlift_model::documents::OUTPUT;
use podlift_model::{Failure, FailureClass, OpOutcome};
use podlift_proto::v1::{self, failure::Class, outcome::Result as End};

pub fn outcome_to_wire(outcome: &OpOutcome) -> v1::Outcome {
    match outcome {
        OpOutcome::Done { output } => v1::Outcome {
            result: End::Done as i32,
            output: Some(to_document(OUTPUT, output)),
            ..Default::default()
        },
        OpOutcome::Failed { failure } => v1::Outcome {
            result: End::Failed as i32,
            failure: Some(failure_to_wire(failure)),
            ..Default::default()
        },
        OpOutcome::Indeterminate { why } => {
            v1::Outcome { result: End::Indeterminate as i32, why: why.clone(), ..Default::default() }
        }
    }
}

pub fn outcome_from_wire(outcome: &v1::Outcome) -> Result<OpOutcome, WireError> {
    match End::try_from(outcome.result).map_err(|e| WireError::new("outcome.result", e))? {
        End::Unspecified => Err(WireError::missing("outcome.result")),
        End::Done => Ok(OpOutcome::Done { output: from_document(OUTPUT, outcome.output.as_ref())? }),
        End::Failed => {
            let failure = outcome.failure.as_ref().ok_or_else(|| WireError::missing("outcome.failure"))?;
            Ok(OpOutcome::Failed { failure: failure_from_wire(failure)? })
        }
        End::Indeterminate => Ok(OpOutcome::Indeterminate { why: outcome.why.clone() }),
    }
}

pub fn failure_to_wire(f: &Failure) -> v1::Failure {
    let class = match f.class {
        FailureClass::Transient => Class::Transient,
        FailureClass::Permanent => Class::Permanent,
        FailureClass::Operator => Class::Operator,
    };
    v1::Failure {
        class: class as i32,
        code: f.code.clone(),
        message: f.message.clone(),
        detail: f.detail.clone(),
    }
}

pub fn failure_from_wire(f: &v1::Failure) -> Result<Failure, WireError> {
    let class = match Class::try_from(f.class).map_err(|e| WireError::new("failure.class", e))? {
        Class::Unspecified => return Err(WireError::missing("failure.class")),
        Class::Transient => FailureClass::Transient,
        Class::Permanent => FailureClass::Permanent,
        Class::Operator => FailureClass::Operator,
    };
    Ok(Failure { class, code: f.code.clone(), message: f.message.clone(), detail: f.detail.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_survive_the_wire() {
        let failed = OpOutcome::Failed { failure: Failure::operator("x", "y").with_detail("a\nb\n") };
        for o in [OpOutcome::changed("done"), failed, OpOutcome::Indeterminate { why: "rebooted".into() }] {
            assert_eq!(outcome_from_wire(&outcome_to_wire(&o)), Ok(o));
        }
        assert_eq!(outcome_from_wire(&v1::Outcome::default()).unwrap_err().field, "outcome.result");
    }
}
