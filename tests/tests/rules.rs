use childminder_tests::{model,property::holds_of_every_run};
#[test]
fn the_model_agrees() {
    holds_of_every_run(|run| model::check(run.history()));
}
