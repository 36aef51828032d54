import ApusABI
import ApusCollections
import Testing

@Suite struct CodeSitesTests {
    /// A function of 100 bytes that can trap at 10, calls something up to 20, where the code after
    /// the call can trap, and calls once more up to 40, with or without handlers.
    private static func appendFunction(
        to batch: inout CodeSites, at start: Int, catching: Bool
    ) -> CompiledFunction {
        var function = CompiledFunction(index: 0, codeStart: start, behind: batch)
        batch.traps.append(
            TrapSite(codeOffset: 10, bodyOffset: 1, code: .integerDivideByZero))
        batch.calls.append(CallSite(codeOffset: 20, bodyOffset: 2))
        batch.traps.append(TrapSite(codeOffset: 20, bodyOffset: 3, code: .memoryOutOfBounds))
        batch.calls.append(
            CallSite(codeOffset: 40, bodyOffset: 4, handlers: catching ? 1 : nil))
        if catching {
            for (outer, landings) in [(nil, [70]), (0, [80, 90])] as [(UInt32?, [UInt32])] {
                batch.handlerLists.append(
                    HandlerList(
                        start: UInt32(batch.handlers.count), count: UInt32(landings.count),
                        outer: outer))
                for landing in landings {
                    batch.handlers.append(
                        ExceptionHandler(
                            tag: landing, wantsReference: false, landingOffset: landing))
                }
            }
        }
        function.end(codeEnd: start + 100, batch, relocationCount: 0)
        return function
    }

    @Test func recordsOfAFunctionAreCounted() {
        var batch = CodeSites()
        _ = Self.appendFunction(to: &batch, at: 0, catching: true)
        let function = Self.appendFunction(to: &batch, at: 112, catching: true)
        #expect(function.codeStart == 112)
        #expect(function.codeLength == 100)
        #expect(function.trapStart == 2)
        #expect(function.trapCount == 2)
        #expect(function.callStart == 2)
        #expect(function.callCount == 2)
        #expect(function.handlerListStart == 2)
        batch.removeSites(of: function)
        #expect(batch.traps.count == 2)
        #expect(batch.calls.count == 2)
        #expect(batch.handlerLists.count == 2)
        #expect(batch.handlers.count == 3)
    }

    @Test func placesAreFoundOnceLinked() throws {
        var sites = CodeSites()
        var functions: [CompiledFunction] = []
        for start in [0, 112, 224] as [UInt32] {
            var batch = CodeSites()
            var function = Self.appendFunction(to: &batch, at: 0, catching: start != 112)
            function.codeStart = start
            function.trapStart += UInt32(sites.traps.count)
            function.callStart += UInt32(sites.calls.count)
            function.handlerListStart += UInt32(sites.handlerLists.count)
            sites.append(batch)
            sites.rebase(function)
            functions.append(function)
        }
        for function in functions {
            let start = function.codeStart
            #expect(sites.call(returningTo: start + 20)?.bodyOffset == 2)
            #expect(sites.call(returningTo: start + 10) == nil)
            #expect(sites.call(returningTo: start + 21) == nil)
            #expect(sites.trap(at: start + 10)?.code == .integerDivideByZero)
            #expect(sites.trap(at: start + 20)?.bodyOffset == 3)
            #expect(sites.trap(at: start + 40) == nil)
            let found = sites.call(returningTo: start + 40)
            let call = try #require(found)
            var landings: [UInt32] = []
            sites.forEachHandler(of: call, in: function) { landings.append($0.landingOffset) }
            // The innermost ones first; none where nothing is caught.
            #expect(landings == (start == 112 ? [] : [80, 90, 70]))
        }
        #expect(sites.call(returningTo: 1000) == nil)
        #expect(sites.trap(at: 1000) == nil)
    }

    /// The innermost one first: a function in the second of two that are in each other, and one
    /// that is in the function itself.
    @Test func placesOfCalleesThatAreTakenInAreTheirs() {
        var sites = CodeSites()
        var functions = Arena<CompiledFunction>(capacity: 1)
        sites.inlined.append(InlinedCall(start: 5, function: 9, caller: 0))
        functions.append(CompiledFunction(index: 4, behind: sites))
        var calls = Arena<InlinedCall>(capacity: 3)
        calls.append(InlinedCall(start: 11, function: 5, caller: 3))
        calls.append(InlinedCall(start: 31, function: 6, caller: 14))
        calls.append(InlinedCall(start: 52, function: 5, caller: 8))
        sites.noteInlined(calls, in: &functions)
        let expected: [(UInt32, [[UInt32]])] = [
            (0, [[4, 0]]), (10, [[4, 10]]), (11, [[5, 0], [4, 3]]), (30, [[5, 19], [4, 3]]),
            (31, [[6, 0], [5, 3], [4, 3]]), (51, [[6, 20], [5, 3], [4, 3]]),
            (52, [[5, 0], [4, 8]]), (60, [[5, 8], [4, 8]]),
        ]
        for (offset, places) in expected {
            var found: [[UInt32]] = []
            sites.forEachPlace(of: offset, in: functions[0]) { found.append([$0, $1]) }
            #expect(found == places)
            let place = sites.place(of: offset, in: functions[0])
            #expect([place.function, place.bodyOffset] == places[0])
        }
    }

    /// Of a place between those that are listed, the one before it counts; at the same place the
    /// trap does, which comes after the call.
    @Test func theNearestPlaceBeforeIsFound() {
        var sites = CodeSites()
        _ = Self.appendFunction(to: &sites, at: 0, catching: false)
        let expected: [(UInt32, UInt32?)] = [
            (0, nil), (9, nil), (10, 1), (19, 1), (20, 3), (39, 3), (40, 4), (99, 4),
        ]
        for (offset, body) in expected {
            #expect(sites.bodyOffset(near: offset, from: 0) == body, "at \(offset)")
        }
        #expect(sites.bodyOffset(near: 39, from: 21) == nil)
    }
}
