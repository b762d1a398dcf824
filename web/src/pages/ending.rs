//! What people are told about the end of an image that nobody views.

use imgshare_storage::calendar;
use imgshare_storage::retention::Outlook;

/// For whoever opens an image that was announced to be removed.
pub fn seen(outlook: &Outlook, is_view: bool) -> Option<String> {
    if !outlook.is_warned {
        return None;
    }
    let date = calendar::date(outlook.remove_at_ms);
    Some(if is_view {
        format!("This image was to be removed on {date}, because nobody viewed it. Now it stays.")
    } else {
        format!("This image will be removed on {date} unless it is viewed.")
    })
}

/// For its owner, whose look at this page is no view.
pub fn told_to_owner(outlook: &Outlook, idle_days: u32) -> String {
    let date = calendar::date(outlook.remove_at_ms);
    if outlook.is_warned {
        return format!(
            "Nobody has viewed this image for {idle_days} days. It will be removed on {date} \
             unless it is viewed."
        );
    }
    format!(
        "Images that nobody views for {idle_days} days in a row are removed. This one stays until \
         {date} at least, and longer with every view."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_named() {
        let mut outlook = Outlook {
            is_warned: true,
            remove_at_ms: 1_750_000_000_000,
        };
        let viewed = seen(&outlook, true).unwrap();
        let not_viewed = seen(&outlook, false).unwrap();
        let owner = told_to_owner(&outlook, 180);
        for text in [viewed, not_viewed, owner] {
            assert!(text.contains("2025-06-15"), "{text}");
        }
        outlook.is_warned = false;
        assert_eq!(seen(&outlook, true), None);
        assert!(told_to_owner(&outlook, 180).contains("2025-06-15 at least"));
    }
}
