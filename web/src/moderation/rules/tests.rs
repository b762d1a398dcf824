use super::*;

fn facts() -> Facts {
    Facts {
        scores: Scores::from_array([0.1, 0.2, 0.3, 0.25, 0.15]),
        hash_match: None,
        bytes: 1_000,
        width: 400,
        height: 300,
        frames: 1,
        uploads_per_minute: 12,
        reports: 0,
    }
}

fn rules_of(toml: &str) -> Vec<Rule> {
    #[derive(Deserialize)]
    struct File {
        rules: Vec<Rule>,
    }
    toml::from_str::<File>(toml).unwrap().rules
}

fn holds(condition: &str, facts: &Facts) -> bool {
    let condition: Condition = serde_json::from_str(condition).unwrap();
    let rule = Rule {
        name: "rule".to_owned(),
        outcome: Outcome::Review,
        when: condition,
    };
    check(std::slice::from_ref(&rule)).unwrap();
    rule.when.holds(facts)
}

#[test]
fn every_condition_looks_at_its_own_fact() {
    let seen = Facts {
        hash_match: Some(true),
        frames: 3,
        reports: 2,
        ..facts()
    };
    for (condition, at_first, when_seen) in [
        (
            r#"{"score": {"of": "explicit", "at-least": 0.45}}"#,
            true,
            true,
        ),
        (
            r#"{"score": {"of": "explicit", "at-least": 0.46}}"#,
            false,
            false,
        ),
        (r#"{"score": {"of": "nsfw", "below": 0.6}}"#, false, false),
        (
            r#"{"score": {"of": "porn", "at-least": 0.25, "below": 0.26}}"#,
            true,
            true,
        ),
        (r#"{"hash-match": "any"}"#, false, true),
        (r#"{"hash-match": "exact"}"#, false, true),
        (r#"{"hash-match": "alike"}"#, false, false),
        (r#"{"frames": {"at-least": 2}}"#, false, true),
        (r#"{"reports": {"at-least": 2, "below": 3}}"#, false, true),
        (r#"{"bytes": {"below": 1000}}"#, false, false),
        (r#"{"width": {"at-least": 400}}"#, true, true),
        (r#"{"height": {"at-least": 400}}"#, false, false),
        (r#"{"pixels": {"at-least": 120000}}"#, true, true),
        (r#"{"uploads-per-minute": {"at-least": 13}}"#, false, false),
        (r#"{"not": {"frames": {"at-least": 2}}}"#, true, false),
        (
            r#"{"any": [{"reports": {"at-least": 1}}, {"width": {"at-least": 1}}]}"#,
            true,
            true,
        ),
        (
            r#"{"all": [{"reports": {"at-least": 1}}, {"width": {"at-least": 1}}]}"#,
            false,
            true,
        ),
    ] {
        assert_eq!(holds(condition, &facts()), at_first, "{condition}");
        assert_eq!(holds(condition, &seen), when_seen, "{condition}");
    }
}

#[test]
fn the_first_rule_that_holds_decides() {
    let rules = rules_of(
        r#"
        [[rules]]
        name = "animations"
        outcome = "review"
        when = { frames = { at-least = 2 } }
        [[rules]]
        name = "explicit"
        outcome = "blocked"
        when = { all = [ { score = { of = "explicit", at-least = 0.4 } }, { not = { hash-match = "any" } } ] }
        "#,
    );
    check(&rules).unwrap();
    let name = |facts: &Facts| first_that_holds(&rules, facts).map(|rule| rule.name.clone());
    assert_eq!(name(&facts()).as_deref(), Some("explicit"));
    let animated = Facts {
        frames: 2,
        ..facts()
    };
    assert_eq!(name(&animated).as_deref(), Some("animations"));
    let safe = Facts {
        scores: Scores::from_array([0.0, 0.0, 1.0, 0.0, 0.0]),
        ..facts()
    };
    assert_eq!(name(&safe), None);
    let unknown = Facts {
        scores: Scores::from_array([f32::NAN; 5]),
        frames: 2,
        ..facts()
    };
    assert_eq!(name(&unknown), None, "nobody made a rule for that");
    let again = toml::to_string(&rules[1]).unwrap();
    assert_eq!(toml::from_str::<Rule>(&again).unwrap(), rules[1]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_reason() {
    let rule = |name: &str, when: &str| Rule {
        name: name.to_owned(),
        outcome: Outcome::Public,
        when: serde_json::from_str(when).unwrap(),
    };
    let fine = r#"{"frames": {"at-least": 2}}"#;
    let deep = format!("{}{fine}{}", r#"{"not": "#.repeat(8), "}".repeat(8));
    let wide = format!(r#"{{"any": [{}]}}"#, vec![fine; 200].join(","));
    for (name, when, why) in [
        ("Big", fine, "lower-case"),
        ("", fine, "lower-case"),
        ("a", r#"{"all": []}"#, "at least one"),
        ("a", r#"{"frames": {}}"#, "needs"),
        ("a", r#"{"frames": {"below": 0}}"#, "nothing lies"),
        (
            "a",
            r#"{"bytes": {"at-least": 7, "below": 7}}"#,
            "nothing lies",
        ),
        (
            "a",
            r#"{"score": {"of": "porn", "below": 1.5}}"#,
            "between 0 and 1",
        ),
        ("a", r#"{"score": {"of": "porn"}}"#, "needs"),
        ("a", &deep, "deep"),
        ("a", &wide, "more than 200"),
    ] {
        let error = check(&[rule(name, when)]).unwrap_err();
        assert!(error.why.contains(why), "{error}");
        assert_eq!(error.rule, name);
    }
    let twice = [rule("a", fine), rule("a", fine)];
    assert!(check(&twice).unwrap_err().why.contains("this name"));
    let many: Vec<Rule> = (0..101).map(|n| rule(&format!("r{n}"), fine)).collect();
    assert!(check(&many).unwrap_err().why.contains("more than 100"));
    assert!(serde_json::from_str::<Condition>(r#"{"colour": "red"}"#).is_err());
    assert!(serde_json::from_str::<Condition>(r#"{"frames": {"above": 2}}"#).is_err());
}
