import ApusIR
import Testing

/// Each promise of `Function`, broken.
@Suite struct VerifierTests {
    @Test(arguments: [
        ("block0():\n v0: i32 = add v1, v1\n return ()", "uses v1, which is not made before it"),
        ("block0(v0: i32):\n v1: i64 = add v0, v0\n return ()", "wrong types for add"),
        ("block0(v0: i64):\n v1: i32 = compare.equal v0, v0", "block0: its end and nothing else"),
        ("block0(v0: i32):", "block0 has no end"),
        ("block0(v0: i32):\n return ()\n v1: i32 = add v0, v0", "its end and nothing else"),
        (
            "block0(v0: i32):\n jump block1()\nblock1(v1: i32):\n return ()",
            "wrong number of arguments"
        ),
        (
            "block0(v0: i32):\n jump block1(v0)\nblock1(v1: i64):\n return ()",
            "passes v0 for v1 of another type"
        ),
        ("block0():\n jump block0()", "leads nowhere or to the entry"),
        ("block0():\n jump block7()", "leads nowhere or to the entry"),
        ("block0():\n return ()\nblock1():\n return ()", "block1 is not reachable"),
        (
            """
            block0(v0: i32):
             branch v0, block1(), block2()
            block1():
             jump block2()
            block2():
             jump block1()
            """, "goes back, but not to a loop's header"
        ),
        (
            """
            block0(v0: i32):
             branch v0, block1(), block2()
            block1():
             v1: i32 = add v0, v0
             jump block3()
            block2():
             jump block3()
            block3():
             v2: i32 = add v1, v1
             return ()
            """, "v2 in block3 uses v1"
        ),
        ("block0(v0: i32):\n return (v0)", "does not return the function's results"),
        (
            "block0(v0: i32):\n callRuntime.1 ()\n v1: i32 = callResult.2 v0\n return ()",
            "does not follow its call"
        ),
        (
            "block0(v0: i32):\n v1: i32 = load.full.memory v0, none, 0\n return ()",
            "wrong types for load"
        ),
        (
            "block0(v0: i64):\n v1: i32 = load.signed32.memory v0, none, 0\n return ()",
            "wrong types for load"
        ),
        (
            "block0(v0: i64):\n store.signed8.memory v0, none, 0, v0\n return ()",
            "wrong types for store"
        ),
        ("block0(v0: i32):\n v1: f64 = bitcast v0\n return ()", "wrong types for bitcast"),
        ("block0(v0: i32):\n v1: f64 = select v0, v0, v0\n return ()", "wrong types for select"),
        (
            "block0(v0: i32):\n v1: v128 = vectorBinary.110 v0, v0\n return ()",
            "wrong types for vectorBinary"
        ),
        (
            "block0(v0: v128):\n v1: i64 = vectorUnary.83 v0\n return ()",
            "wrong types for vectorUnary"
        ),
        (
            "block0(v0: v128, v1: i64):\n v2: v128 = vectorTernary.82 v0, v0, v1\n return ()",
            "wrong types for vectorTernary"
        ),
        (
            "block0(v0: v128):\n v1: i32 = extractLane.21 v0, 16\n return ()",
            "wrong types for extractLane"
        ),
        (
            "block0(v0: v128):\n v1: v128 = replaceLane.23 v0, v0, 1\n return ()",
            "wrong types for replaceLane"
        ),
        (
            "block0(v0: i64, v1: v128):\n v2: i64 = load.splat8.memory v0, none, 0\n return ()",
            "wrong types for load"
        ),
        (
            "block0(v0: i64, v1: v128):\n storeLane.full.memory v0, none, 0, v1, 0\n return ()",
            "wrong types for storeLane"
        ),
        ("block0(v0: i32):\n branchTable v0, []", "the table of block0 is empty"),
        ("block0():\n return ()\nlayout block0, block0", "the layout does not list"),
        ("block0():\n v0: i32 = parameter\n return ()", "v0 is or is not a parameter of block0"),
    ])
    func aBrokenPromiseIsFound(text: String, fault: String) throws {
        let function = try Function(text: "function () -> ()\n" + text)
        var verifier = Verifier()
        let faults = verifier.verify(function)
        #expect(faults.contains { $0.contains(fault) }, "\(faults)")
    }

    @Test func sharedEdgesAreFound() throws {
        var function = try Function(
            text: """
                function (i32) -> ()
                block0(v0: i32):
                  branch v0, block1(), block1()
                block1():
                  return ()
                """)
        let end = function.terminator(.entry)
        function[end].c = function[end].b
        var verifier = Verifier()
        #expect(verifier.verify(function) == ["the edges from block0 are not neighbours"])
        function[end].c = function[end].b + 7
        #expect(verifier.verify(function) == ["the edges from block0 are not neighbours"])
    }
}
