//! A page with a form, as an answer.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

/// The page; where it tells of a problem, what was sent was understood and could
/// not be taken.
pub fn form_page(html: String, problem: Option<&str>) -> Response {
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_a_problem_is_no_success() {
        let of = |problem| form_page(String::new(), problem).status().as_u16();
        assert_eq!((of(None), of(Some("it lacks a day"))), (200, 422));
    }
}
