//! What policies would decide, and by which statements.

use serde::{Deserialize, Serialize};

use super::elements::Members;
use crate::actions;
use crate::ec2::types::is_blank;
use crate::iam::{Resource, Subject};

/// A condition key with the values that are to be taken for known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContextEntry {
    /// `aws:SourceIp`.
    pub context_key_name: String,
    /// Its values.
    #[serde(default)]
    pub context_key_values: Vec<String>,
    /// `string`, `numeric`, `boolean`, `ip`, `binary`, `date`, or one of them with `List`.
    #[serde(default)]
    pub context_key_type: Option<String>,
}

/// A policy that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyIdentifier {
    /// `inline`, `aws-managed`, `user-managed`, `permission-boundary`.
    #[serde(default)]
    pub policy_type: Option<String>,
    /// The ARN of a managed policy.
    #[serde(default)]
    pub policy_arn: Option<String>,
    /// Which of somebody's own policies.
    #[serde(default)]
    pub inline_policy_identifier: Option<InlinePolicyIdentifier>,
}

/// A policy of somebody's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InlinePolicyIdentifier {
    /// Its name.
    pub policy_name: String,
    /// `user`, `group` or `role`.
    pub attachment_type: String,
    /// The user's, group's or role's name.
    pub attachment_name: String,
}

/// Tells what a user, group or role may do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimulatePrincipalPolicy {
    /// The ARN of the user, group or role.
    pub policy_source_arn: String,
    /// Policies that they are taken to have besides.
    #[serde(default)]
    pub policy_input_list: Vec<String>,
    /// A policy that is taken for their boundary, in place of the one they have.
    #[serde(default)]
    pub permissions_boundary_policy_input_list: Vec<String>,
    /// Policies of theirs that are not to count.
    #[serde(default)]
    pub policy_exclusion_list: Vec<PolicyIdentifier>,
    /// The actions: `ec2:RunInstances`.
    #[serde(default)]
    pub action_names: Vec<String>,
    /// ARNs of what they are done to; `*` if absent.
    #[serde(default)]
    pub resource_arns: Vec<String>,
    /// The resources' own policy.
    #[serde(default)]
    pub resource_policy: Option<String>,
    /// The ARN of the account that the resources belong to.
    #[serde(default)]
    pub resource_owner: Option<String>,
    /// The ARN of the user who acts, if it is another than the source.
    #[serde(default)]
    pub caller_arn: Option<String>,
    /// What is known of the request.
    #[serde(default)]
    pub context_entries: Vec<ContextEntry>,
    /// A scenario of EC2's; refused, since resources are named one by one.
    #[serde(default)]
    pub resource_handling_option: Option<String>,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// Tells what policies would allow that nobody has yet.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SimulateCustomPolicy {
    /// The policies.
    #[serde(default)]
    pub policy_input_list: Vec<String>,
    /// A policy that is taken for the boundary.
    #[serde(default)]
    pub permissions_boundary_policy_input_list: Vec<String>,
    /// Policies of an organization; refused, for there are none.
    #[serde(default)]
    pub ordered_organization_policy_input_list: Vec<OrganizationPolicies>,
    /// The actions: `ec2:RunInstances`.
    #[serde(default)]
    pub action_names: Vec<String>,
    /// ARNs of what they are done to; `*` if absent.
    #[serde(default)]
    pub resource_arns: Vec<String>,
    /// The resources' own policy.
    #[serde(default)]
    pub resource_policy: Option<String>,
    /// The ARN of the account that the resources belong to.
    #[serde(default)]
    pub resource_owner: Option<String>,
    /// The ARN of the user who acts; wanted if there is a resource policy.
    #[serde(default)]
    pub caller_arn: Option<String>,
    /// What is known of the request.
    #[serde(default)]
    pub context_entries: Vec<ContextEntry>,
    /// A scenario of EC2's; refused, since resources are named one by one.
    #[serde(default)]
    pub resource_handling_option: Option<String>,
    /// The page behind the one that gave this marker.
    #[serde(default)]
    pub marker: Option<String>,
    /// At most so many, 1 to 1000.
    #[serde(default)]
    pub max_items: Option<u32>,
}

/// Policies of one level of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrganizationPolicies {
    /// Their texts.
    #[serde(default)]
    pub service_control_policy_input_list: Vec<String>,
}

/// What both simulations answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Simulation {
    /// A result for each action and resource.
    pub evaluation_results: Members<EvaluationResult>,
    /// Whether there are more.
    pub is_truncated: bool,
    /// Asks for the next page, if there is one.
    #[serde(default, skip_serializing_if = "is_blank")]
    pub marker: Option<String>,
}

/// What is decided about an action on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EvaluationResult {
    /// The action.
    pub eval_action_name: String,
    /// The resource's ARN, or `*`.
    pub eval_resource_name: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub eval_decision: String,
    /// The statements that decided.
    pub matched_statements: Members<Statement>,
    /// Condition keys that policies ask for and that were not given.
    pub missing_context_values: Members<String>,
    /// What the boundary says, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_decision_detail: Option<BoundaryDecision>,
    /// What each kind of policy says, where the resource is another account's.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub eval_decision_details: Details,
    /// The same for each resource that was named.
    #[serde(default, skip_serializing_if = "Members::is_empty")]
    pub resource_specific_results: Members<ResourceResult>,
}

/// What is decided about a resource that was named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResourceResult {
    /// The resource's ARN.
    pub eval_resource_name: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub eval_resource_decision: String,
    /// The statements that decided.
    pub matched_statements: Members<Statement>,
    /// Condition keys that policies ask for and that were not given.
    pub missing_context_values: Members<String>,
    /// What each kind of policy says, where the resource is another account's.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub eval_decision_details: Details,
    /// What the boundary says, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary_decision_detail: Option<BoundaryDecision>,
}

/// What a boundary says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BoundaryDecision {
    /// Whether it lets the action through.
    pub allowed_by_permissions_boundary: bool,
}

/// Decisions by the kind of policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// One for each kind.
    #[serde(default = "Vec::new")]
    pub entry: Vec<Detail>,
}

impl Details {
    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        self.entry.is_empty()
    }
}

/// What a kind of policy decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// `IAM Policy` or `Resource Policy`.
    pub key: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    pub value: String,
}

/// A statement that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// The policy: `user_taro_reads`, `PolicyInputList.1`, or the name of a managed one.
    pub source_policy_id: String,
    /// `user`, `group`, `role`, `aws-managed`, `user-managed`, `resource`, or `none` if it was given.
    pub source_policy_type: String,
    /// Where the statement begins in the policy's text.
    pub start_position: Position,
    /// Where it ends.
    pub end_position: Position,
}

/// A place in a text, both numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Lists the condition keys that policies ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetContextKeysForCustomPolicy {
    /// The policies.
    #[serde(default)]
    pub policy_input_list: Vec<String>,
}

/// Lists the condition keys that the policies of a user, group or role ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetContextKeysForPrincipalPolicy {
    /// The ARN of the user, group or role.
    pub policy_source_arn: String,
    /// Policies that they are taken to have besides.
    #[serde(default)]
    pub policy_input_list: Vec<String>,
}

/// What both answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContextKeys {
    /// The keys, each once.
    pub context_key_names: Members<String>,
}

fn source(arn: &str) -> Subject {
    Subject::of([Resource::Arn(arn.to_owned())])
}

actions! {
    SimulatePrincipalPolicy => Simulation, Read, |it| source(&it.policy_source_arn);
    SimulateCustomPolicy => Simulation, Read;
    GetContextKeysForCustomPolicy => ContextKeys, Read;
    GetContextKeysForPrincipalPolicy => ContextKeys, Read, |it| source(&it.policy_source_arn);
}
