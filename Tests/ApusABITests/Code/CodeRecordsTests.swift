import ApusCollections
import ApusFormat
import Testing

@testable import ApusABI

/// Records that were read may be anything; only those that belong together are taken.
@Suite struct CodeRecordsTests {
    /// Records of two functions, of which the second one catches.
    private struct Records {
        var functions: [CompiledFunction] = []
        var traps: [TrapSite] = []
        var calls: [CallSite] = []
        var lists: [HandlerList] = []
        var handlers: [ExceptionHandler] = []
        var inlined: [InlinedCall] = []
        var codeBytes = 200

        init() {
            let none = CodeSites()
            for index in 0..<2 {
                var function = CompiledFunction(
                    index: UInt32(1 + index), codeStart: 96 * index, behind: none)
                function.codeLength = 80
                function.trapStart = UInt32(index)
                function.trapCount = 1
                function.callStart = UInt32(index)
                function.callCount = 1
                functions.append(function)
                let start = UInt32(96 * index)
                traps.append(TrapSite(codeOffset: start + 9, bodyOffset: 3, code: .unreachable))
                calls.append(
                    CallSite(codeOffset: start + 80, bodyOffset: 4, handlers: index == 1 ? 1 : nil))
            }
            lists = [HandlerList(start: 0, count: 1), HandlerList(start: 1, count: 1, outer: 0)]
            handlers = [
                ExceptionHandler(tag: 0, wantsReference: false, landingOffset: 70),
                ExceptionHandler(tag: nil, wantsReference: true, landingOffset: 75),
            ]
        }

        private static func bytes<Record: BitwiseCopyable>(_ records: [Record]) -> [UInt8] {
            var arena = Arena<Record>(capacity: 1)
            for record in records { arena.append(record) }
            let bytes = arena.bytes
            return bytes.indices.map { bytes[$0] }
        }

        /// How many calls catch; nil if the records are refused.
        var caughtCalls: Int? {
            var parts = DecodedModule.Parts(bytes: ByteStorage([]))
            parts.types = ModuleTypes([FunctionType()])
            parts.functions = [0, 0, 0]
            parts.importedFunctionCount = 1
            parts.tags = [0]
            parts.bodies = [FunctionBody(start: 10, end: 20), FunctionBody(start: 20, end: 30)]
            let module = DecodedModule(parts)
            guard
                let records = CodeRecords(
                    functions: Self.bytes(functions).span, traps: Self.bytes(traps).span,
                    calls: Self.bytes(calls).span, handlerLists: Self.bytes(lists).span,
                    handlers: Self.bytes(handlers).span, inlined: Self.bytes(inlined).span,
                    codeBytes: codeBytes, of: module)
            else { return nil }
            #expect(records.functions.count == 2)
            #expect(records.sites.call(returningTo: 176)?.bodyOffset == 4)
            let landing = records.sites.landing(ofCallReturningTo: 176) { $0.tag == 0 }
            #expect(landing == UInt32(166))
            return records.sites.caughtCalls.count
        }
    }

    @Test func whatBelongsTogetherIsTaken() {
        #expect(Records().caughtCalls == 1)
    }

    private static let faults: [@Sendable (inout Records) -> Void] = [
        { $0.functions[0].index = 0 }, { $0.functions[1].index = 3 },
        { $0.functions[1].index = 1 }, { $0.functions[0].index = .max },
        { $0.functions[1].codeStart = 79 }, { $0.functions[1].codeLength = 105 },
        { $0.functions[1].codeLength = .max }, { $0.codeBytes = 175 },
        { $0.functions[0].trapStart = 1 }, { $0.functions[1].trapCount = 2 },
        { $0.functions[0].trapCount = 0 }, { $0.functions[1].trapCount = .max },
        { $0.functions[1].callStart = 0 }, { $0.functions[1].callCount = 0 },
        { $0.functions[1].handlerListStart = 3 }, { $0.functions[0].handlerListStart = 1 },
        { $0.functions[1].handlerListStart = 1 },
        { $0.traps[0].codeOffset = 80 }, { $0.traps[1].codeOffset = 95 },
        { $0.traps[0] = TrapSite(codeOffset: 9, bodyOffset: 11, code: .unreachable) },
        { $0.calls[0].codeOffset = 81 }, { $0.calls[1].codeOffset = 90 },
        { $0.calls[0] = CallSite(codeOffset: 80, bodyOffset: 11) },
        { $0.calls[1] = CallSite(codeOffset: 176, bodyOffset: 4, handlers: 2) },
        { $0.calls[0] = CallSite(codeOffset: 80, bodyOffset: 4, handlers: 1) },
        { $0.lists[1] = HandlerList(start: 1, count: 2, outer: 0) },
        { $0.lists[1] = HandlerList(start: .max, count: .max, outer: 0) },
        { $0.lists[1] = HandlerList(start: 1, count: 1, outer: 1) },
        { $0.lists[0] = HandlerList(start: 0, count: 1, outer: 7) },
        { $0.handlers[0].landingOffset = 80 },
        { $0.handlers[0] = ExceptionHandler(tag: 1, wantsReference: false, landingOffset: 1) },
    ]

    @Test(arguments: faults.indices) func whatDoesNotIsRefused(_ fault: Int) {
        var records = Records()
        Self.faults[fault](&records)
        #expect(records.caughtCalls == nil)
    }

    /// The first function has the second one in it, which has itself in it.
    private static var inlining: Records {
        var records = Records()
        records.inlined = [
            InlinedCall(start: 11, function: 2, caller: 4),
            InlinedCall(start: 22, function: 2, caller: 21),
        ]
        records.functions[0].inlinedCount = 2
        records.functions[1].inlinedStart = 2
        records.traps[0] = TrapSite(codeOffset: 9, bodyOffset: 32, code: .unreachable)
        return records
    }

    @Test func bodiesOfCalleesCountOnBehindTheOwnOne() {
        #expect(Self.inlining.caughtCalls == 1)
    }

    private static let inliningFaults: [@Sendable (inout Records) -> Void] = [
        { $0.traps[0] = TrapSite(codeOffset: 9, bodyOffset: 33, code: .unreachable) },
        { $0.functions[0].inlinedCount = 1 }, { $0.functions[0].inlinedCount = .max },
        { $0.functions[1].inlinedStart = 1 }, { $0.functions[1].inlinedCount = 1 },
        { $0.inlined[0].start = 10 }, { $0.inlined[0].start = 12 },
        { $0.inlined[0].function = 0 }, { $0.inlined[0].function = 3 },
        { $0.inlined[0].function = .max }, { $0.inlined[0].caller = 11 },
        { $0.inlined[1].caller = 22 }, { $0.inlined[1].start = .max },
        { $0.inlined.removeLast() },
    ]

    @Test(arguments: inliningFaults.indices) func bodiesOfCalleesElsewhereAreRefused(_ fault: Int) {
        var records = Self.inlining
        Self.inliningFaults[fault](&records)
        #expect(records.caughtCalls == nil)
    }

    @Test func codesOfTrapsAreKnown() {
        for code in TrapCode.allCases {
            #expect(TrapSite(codeOffset: 0, bodyOffset: 0, code: code).hasCode)
        }
        let records = Arena<TrapSite>(copying: [0, 0, 0, 0, 0, 0, 0, 0xFF].span)
        #expect(!records[0].hasCode)
    }
}
