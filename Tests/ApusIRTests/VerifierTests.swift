import ApusCollections
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
        (
            """
            block0(v0: i32):
             tryCall 1(v0), block1(), [catchAll block2()]
            block1(v1: i32):
             return ()
            block2(v2: ref):
             v3: i32 = add v1, v0
             return ()
            """, "v3 in block2 uses v1, which is not made before it"
        ),
        (
            """
            block0(v0: i32):
             branch v0, block1(), block2()
            block1():
             tryCall 1(), block2(), [catchAll block3()]
            block2():
             return ()
            block3(v1: ref):
             return ()
            """, "there are other ways to block2 than the call in block1"
        ),
        (
            """
            block0():
             tryCall 1(), block1(), [catch 1 block2(), catch 2 block2()]
            block1():
             return ()
            block2(v1: ref):
             return ()
            """, "there are other ways to block2 than the call in block0"
        ),
        (
            "block0():\n tryCall 1(), block1(), [catchAll block2()]\nblock1():\n return ()\n"
                + "block2():\n return ()", "block2 does not take an exception"
        ),
        (
            "block0():\n tryCall 1(), block1(), [catchAll block2()]\nblock1():\n return ()\n"
                + "block2(v0: i64):\n return ()", "block2 does not take an exception"
        ),
        (
            "block0():\n tryCall 1(), block1(), []\nblock1():\n return ()",
            "block0 has no handlers"
        ),
        (
            "block0():\n tryCall 1(), block7(), [catchAll block1()]\nblock1(v0: ref):\n return ()",
            "leads nowhere or to the entry"
        ),
    ])
    func aBrokenPromiseIsFound(text: String, fault: String) throws {
        let function = try Function(text: "function () -> ()\n" + text)
        var verifier = Verifier()
        let faults = verifier.verify(function)
        #expect(faults.contains { $0.contains(fault) }, "\(faults)")
    }

    private static let call = """
        function () -> ()
        block0():
          tryCall 1(), block1(), [catchAll block2()]
        block1():
          return ()
        block2(v0: ref):
          return ()
        """

    /// Edges that are outcomes of calls are those of calls that end blocks, and no others.
    @Test func outcomesOfOthersAreFound() throws {
        var verifier = Verifier()
        var function = try Function(text: Self.call)
        #expect(verifier.verify(function) == [])
        function.edges[0].carriesOutcome = false
        #expect(verifier.verify(function) == ["block0 to block1: an outcome of what is no call"])
        var jump = try Function(
            text: "function () -> ()\nblock0():\n jump block1()\nblock1():\n return ()")
        jump.edges[0].carriesOutcome = true
        #expect(verifier.verify(jump) == ["block0 to block1: an outcome of what is no call"])
    }

    /// What a call says of its outcomes, damaged in each place.
    @Test(arguments: 0..<2, [UInt32.max, 3])
    func outcomesThatAreNotThereAreFound(word: Int, number: UInt32) throws {
        var verifier = Verifier()
        var function = try Function(text: Self.call)
        function.pool[word] = number
        let fault = "the outcomes of the call that ends block0 are not there"
        #expect(verifier.verify(function).contains(fault))
        function.pool.truncate(to: word + 1)
        #expect(verifier.verify(function).contains(fault))
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
