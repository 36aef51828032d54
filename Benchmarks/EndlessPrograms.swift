/// Programs that never end, each in a way of its own. They may import functions of the host,
/// `host.nothing` and `host.wait`, and of WASI.
enum EndlessPrograms {
    static let all: [(name: String, text: String)] = computing + calling + bulk + waiting

    private static func module(_ fields: String, run: String) -> String {
        "(module \(fields) (func (export \"run\") (local i32) \(run)))"
    }

    private static func loop(_ fields: String, _ body: String) -> String {
        module(fields, run: "(loop $l \(body) (br $l))")
    }

    private static let computing = [
        ("loop", loop("", "")),
        (
            "stores",
            loop(
                "(memory 16)",
                """
                (i32.store (i32.and (local.get 0) (i32.const 0xffff0)) (local.get 0))
                (local.set 0 (i32.add (local.get 0) (i32.const 16)))
                """)
        ),
        (
            "start function",
            "(module (func $s (loop $l br $l)) (start $s) (func (export \"run\")))"
        ),
    ]

    private static let calling = [
        (
            // No loop, and never deep: 2^80 calls.
            "exponential recursion",
            module(
                """
                (func $f (param i32)
                  (if (i32.eqz (local.get 0)) (then (return)))
                  (call $f (i32.sub (local.get 0) (i32.const 1)))
                  (call $f (i32.sub (local.get 0) (i32.const 1))))
                """, run: "(call $f (i32.const 80))")
        ),
        (
            "ring of tail calls",
            module(
                """
                (func $f (return_call $g)) (func $g (return_call $h)) (func $h (return_call $f))
                """, run: "(return_call $f)")
        ),
        (
            "ring of indirect tail calls",
            module(
                """
                (type $t (func)) (table funcref (elem $f $g))
                (func $f (return_call_indirect (type $t) (i32.const 1)))
                (func $g (return_call_indirect (type $t) (i32.const 0)))
                """, run: "(return_call $f)")
        ),
        ("runtime calls", loop("(memory 1)", "(drop (memory.grow (i32.const 0)))")),
        (
            "host calls",
            loop("(import \"host\" \"nothing\" (func $nothing))", "(call $nothing)")
        ),
    ]

    private static let bulk = [
        (
            "memory.fill, 256 MiB",
            loop("(memory 4096)", "(memory.fill (i32.const 0) (i32.const 7) (i32.const 0xfff0000))")
        ),
        (
            "memory.copy, 256 MiB",
            loop(
                "(memory 4096)", "(memory.copy (i32.const 1) (i32.const 0) (i32.const 0xfff0000))")
        ),
        (
            "table.fill, 8 million",
            loop(
                "(table 8000000 externref)",
                "(table.fill (i32.const 0) (ref.null extern) (i32.const 8000000))")
        ),
        (
            "table.copy, 8 million",
            loop(
                "(table 8000001 externref)",
                "(table.copy (i32.const 1) (i32.const 0) (i32.const 8000000))")
        ),
        (
            // The second growth never succeeds, so only the first is long.
            "table.grow, 4 million",
            loop(
                "(table $t 4000000 externref)",
                "(drop (table.grow $t (ref.null extern) (i32.const 4000000)))")
        ),
    ]

    private static let waiting = [
        ("host waits", loop("(import \"host\" \"wait\" (func $wait))", "(call $wait)")),
        (
            "poll_oneoff",
            loop(
                """
                (import "wasi_snapshot_preview1" "poll_oneoff"
                  (func $poll (param i32 i32 i32 i32) (result i32)))
                (memory (export "memory") 1)
                (data (i32.const 16) "\\01") (data (i32.const 24) "\\00\\a0\\b8\\30\\46\\03")
                """,
                """
                (drop (call $poll (i32.const 0) (i32.const 512) (i32.const 1) (i32.const 600)))
                """)
        ),
        (
            "random_get, 512 MiB",
            loop(
                """
                (import "wasi_snapshot_preview1" "random_get"
                  (func $random (param i32 i32) (result i32)))
                (memory (export "memory") 8192)
                """, "(drop (call $random (i32.const 0) (i32.const 0x20000000)))")
        ),
    ]
}
