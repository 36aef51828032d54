import ApusABI
import ApusAssembler
import ApusCollections
import ApusIR
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Calls whose exceptions are handled, as text, through the whole compiler, and run: returning and
/// caught, with values on both ways that no register and those that some registers keep.
@Suite struct HandlerTests {
    /// Nil: registers as the allocator chooses them; numbers: at random, few of them at first.
    static let seeds: [UInt64?] = [nil] + (1...24).map { $0 }

    // MARK: One call

    /// More integers than there are registers, floats and a vector live along each way.
    private static let oneCall: String = {
        let values = (10..<30).map { "  v\($0): i64 = multiply v1, v\($0 + 100)" }
        let constants = (10..<30).map { "  v\($0 + 100): i64 = constant \($0)" }
        func sum(_ start: Int, _ first: String) -> String {
            var lines = ["  v\(start): i64 = add \(first), v10"]
            for index in 1..<20 {
                lines.append("  v\(start + index): i64 = add v\(start + index - 1), v\(10 + index)")
            }
            return lines.joined(separator: "\n")
        }
        return """
            function (i64, i64, f64, v128) -> (i64, f64, v128)
            \(constants.joined(separator: "\n"))
            block0(v0: i64, v1: i64, v2: f64, v3: v128):
            \(values.joined(separator: "\n"))
              v30: f64 = floatAdd v2, v2
              tryCall 1(v0, v1), block1(), [catch 7 block2(), catchAllReference block3()]
            block1(v31: i64, v32: i64):
              v33: i64 = multiply v32, v113
            \(sum(200, "v33"))
              v34: i64 = add v219, v31
              jump block4(v34, v30)
            block2(v40: ref) cold:
              v41: i64 = bitcast v40
              v42: i64 = multiply v41, v115
            \(sum(230, "v42"))
              v43: f64 = floatAdd v30, v2
              jump block4(v249, v43)
            block3(v50: ref) cold:
            \(sum(260, "v1"))
              v51: i64 = bitcast v50
              v52: i64 = add v279, v51
              jump block4(v52, v2)
            block4(v60: i64, v61: f64):
              return (v60, v61, v3)
            """
    }()

    @Test(arguments: seeds)
    func valuesAreThereOnEachWay(seed: UInt64?) throws {
        let function = try NativeFunction(
            [Self.oneCall], allocationSeed: seed, callees: [ThrowingCallee()])
        let vector = ModelVector(low: 0x0123_4567_89AB_CDEF, high: 0xFEDC_BA98_7654_3210)
        let x: UInt64 = 1000
        let total = (10..<30).reduce(0) { $0 + $1 * x }
        let float = ModelVector(low: (1.5).bitPattern, high: 0)
        let expected: [(UInt64, Double)] = [
            (x + 1 + (x + 2) * 13 + total, 3), ((x + 100) * 15 + total, 4.5),
            (x + 200 + x + total, 1.5),
        ]
        for (way, (integer, number)) in expected.enumerated() {
            let results = function.call(
                ModelVector(low: UInt64(way), high: 0), ModelVector(low: x, high: 0), float, vector)
            #expect(results[0].low == integer, "way \(way)")
            #expect(results[1].low == number.bitPattern, "way \(way)")
            #expect(results[2] == vector, "way \(way)")
        }
    }

    // MARK: In a loop

    /// What is counted, added up and kept goes round along all three ways; the last value that was
    /// made in the loop is used behind it.
    private static let loop = """
        function (i64, i64) -> (i64, i64, i64)
          v10: i64 = constant 0
          v11: i64 = constant 1
          v12: i64 = constant 3
          v13: i64 = constant 5
        block0(v0: i64, v1: i64):
          v2: i64 = multiply v1, v13
          jump block1(v10, v1, v10)
        block1(v20: i64, v21: i64, v22: i64) depth 1:
          v23: i64 = remainderUnsigned.notZero v20, v12
          v24: i64 = multiply v20, v2
          v25: i64 = add v20, v11
          tryCall 1(v23, v21), block2(), [catchReference 1 block3(), catchAll block4()]
        block2(v30: i64) depth 1:
          v31: i64 = add v30, v24
          jump block5(v31, v22)
        block3(v40: ref) depth 1:
          v41: i64 = bitcast v40
          v42: i64 = xor v41, v24
          jump block5(v42, v23)
        block4(v50: ref) depth 1:
          v51: i64 = bitcast v50
          v52: i64 = subtract v51, v20
          v53: i64 = add v22, v2
          jump block5(v52, v53)
        block5(v60: i64, v61: i64) depth 1:
          v62: i32 = compare.lessUnsigned v25, v0
          branch v62, block1(v25, v60, v61), block6()
        block6():
          v70: i64 = add v24, v2
          return (v60, v61, v70)
        """

    @Test(arguments: seeds)
    func loopsGoOnFromHandlers(seed: UInt64?) throws {
        let function = try NativeFunction(
            [Self.loop], allocationSeed: seed, callees: [ThrowingCallee()])
        for count in [1, 2, 3, 50] as [UInt64] {
            var memory: [UInt64] = [0, 0]
            let results = function.call(
                [ModelVector(low: count, high: 0), ModelVector(low: 17, high: 0)],
                memory: &memory)
            let expected = Self.runLoop(count, 17)
            #expect(results.map(\.low) == expected, "\(count) rounds")
            #expect(memory[1] == 0, "the stack is not as deep each time")
        }
    }

    private static func runLoop(_ count: UInt64, _ start: UInt64) -> [UInt64] {
        let scale = start &* 5
        var sum = start
        var kept: UInt64 = 0
        var product: UInt64 = 0
        for round in 0..<count {
            product = round &* scale
            switch round % 3 {
            case 0: sum = sum &+ 1 &+ product
            case 1:
                sum = (sum &+ 100) ^ product
                kept = round % 3
            default:
                sum = sum &+ 200 &- round
                kept = kept &+ scale
            }
        }
        return [sum, kept, product &+ scale]
    }

    // MARK: The stack

    /// Arguments and results that do not fit into registers; what the call had on the stack is off
    /// it again along each way.
    private static let stack = """
        function (i64, i64) -> (i64)
          v10: i64 = constant 0
          v11: i64 = constant 1
        block0(v0: i64, v1: i64):
          jump block1(v10, v1)
        block1(v20: i64, v21: i64) depth 1:
          v22: i64 = and v20, v11
          v23: i64 = add v20, v11
          tryCall 1(v22, v21, v0, v0, v0, v0, v0, v0, v23, v23, v23), block2(), [catchAll block3()]
        block2(v30: i64, v31: i64, v32: i64, v33: i64, v34: i64, v35: i64) depth 1:
          v36: i64 = add v30, v35
          v37: i64 = subtract v36, v34
          jump block4(v37)
        block3(v40: ref) depth 1:
          v41: i64 = bitcast v40
          jump block4(v41)
        block4(v50: i64) depth 1:
          v51: i32 = compare.lessUnsigned v23, v0
          branch v51, block1(v23, v50), block5()
        block5():
          return (v50)
        """

    @Test(arguments: seeds)
    func theStackIsAsItWas(seed: UInt64?) throws {
        // Three arguments and the address of the area for two results.
        let callee = ThrowingCallee(stackBytes: 32, stackResults: 2)
        let function = try NativeFunction([Self.stack], allocationSeed: seed, callees: [callee])
        var memory: [UInt64] = [0, 0]
        let results = function.call(
            [ModelVector(low: 1000, high: 0), ModelVector(low: 7, high: 0)], memory: &memory)
        // x + 1 + x + 6 - x - 5, or x + 100.
        #expect(results[0].low == 7 + 500 * (2 + 100))
        #expect(memory[1] == 0)
    }

    // MARK: All kinds of calls

    @Test(arguments: [
        ("tryCallImport \(NativeFunction.importOffset)(v0, v1)", false),
        ("tryCallFar.15 v6(v0, v1)", false), ("tryCallRuntime.2 (v0, v1)", true),
    ])
    func allKindsOfCallsAreCaught(call: String, isRuntime: Bool) throws {
        let text = """
            function (i64, i64) -> (i64)
              v4: i64 = context
              v5: i64 = constant \(NativeFunction.recordOffset)
            block0(v0: i64, v1: i64):
              v6: i64 = add v4, v5
              v7: i64 = multiply v1, v1
              \(call), block1(), [catchAll block2()]
            block1(v10: i64):
              v11: i64 = add v10, v7
              return (v11)
            block2(v20: ref):
              v21: i64 = bitcast v20
              v22: i64 = subtract v21, v7
              v23: i64 = load.full.constant v4, none, \(NativeFunction.addressOffset)
              v24: i64 = subtract v23, v4
              v25: i64 = add v22, v24
              return (v25)
            """
        let callee =
            isRuntime
            ? ThrowingCallee(
                selector: RuntimeCall.argument(0), value: RuntimeCall.argument(1))
            : ThrowingCallee()
        for seed in Self.seeds {
            let function = try NativeFunction([text], allocationSeed: seed, callees: [callee])
            let x = ModelVector(low: 9, high: 0)
            #expect(function.call(ModelVector(low: 0, high: 0), x)[0].low == 10 + 81)
            #expect(function.call(ModelVector(low: 1, high: 0), x)[0].low == 109 - 81)
        }
    }

    /// A call and another one in its handler, whose results and exception nobody uses.
    @Test(arguments: seeds)
    func handlersMayCall(seed: UInt64?) throws {
        let text = """
            function (i64, i64, i64) -> (i64)
            block0(v0: i64, v1: i64, v2: i64):
              tryCall 1(v0, v2), block1(), [catch 3 block2()]
            block1():
              return (v1)
            block2(v10: ref):
              v11: i64 = bitcast v10
              tryCall 2(v1, v11), block3(), [catch 4 block4(), catchAll block5()]
            block3(v20: i64):
              return (v20)
            block4(v30: ref):
              v31: i64 = add v11, v2
              return (v31)
            block5(v40: ref):
              v41: i64 = bitcast v40
              return (v41)
            """
        let function = try NativeFunction(
            [text], allocationSeed: seed, callees: [ThrowingCallee(), ThrowingCallee()])
        func call(_ first: UInt64, _ second: UInt64) -> UInt64 {
            let values = [first, second, 50].map { ModelVector(low: $0, high: 0) }
            var memory: [UInt64] = [0, 0]
            return function.call(values, memory: &memory)[0].low
        }
        #expect(call(0, 6) == 6)
        #expect(call(1, 0) == 151)
        #expect(call(1, 1) == 200)
        #expect(call(1, 2) == 350)
    }

    // MARK: Records

    @Test func recordsSayWhatIsCaught() throws {
        var generator = CodeGenerator()
        var batch = CodeBatch()
        let plain = try Function(text: "function () -> ()\nblock0():\n call 0()\n return ()")
        #expect(generator.generate(plain, as: 0, into: &batch))
        let function = try Function(text: Self.oneCall)
        // Its records are counted from its own start, whatever is before them.
        for index in 1...2 { #expect(generator.generate(function, as: index, into: &batch)) }
        #expect(batch.functions[0].callCount == 1)
        #expect(batch.sites.calls[0].handlers == nil)
        #expect(batch.sites.calls[0].saved == .none)
        for index in 1...2 {
            let record = batch.functions[index]
            #expect(record.callCount == 1)
            let site = batch.sites.calls[Int(record.callStart)]
            #expect(site.handlers == 0)
            var handlers: [ExceptionHandler] = []
            batch.sites.forEachHandler(of: site, in: record) { handlers.append($0) }
            #expect(handlers.map(\.tag) == [7, nil])
            #expect(handlers.map(\.wantsReference) == [false, true])
            #expect(handlers.allSatisfy { $0.landingOffset < record.codeLength })
            #expect(handlers[0].landingOffset != handlers[1].landingOffset)
        }
        #expect(batch.sites.handlerLists.count == 2)
        #expect(batch.sites.handlers.count == 4)
    }

    /// Whoever catches saves what it changes, as all others do; what those that are left have kept
    /// for its caller is brought back by whoever throws.
    @Test func onlyWhatChangesIsSaved() throws {
        let first = CallingConvention.keptRegister(0)
        let (saved, stores) = try Self.savedRegisters(afterReturning: "v0")
        #expect(saved == SavedRegisters(RegisterSet(PhysicalRegister(first)), behindContext: true))
        #expect(
            stores
                == [CallingConvention.context, first].map {
                    X86_64.name(of: PhysicalRegister($0))
                })
    }

    /// What only a handler needs lies in the frame, where no register has to be saved for it.
    @Test func handlersAloneSaveNoRegisters() throws {
        let (saved, stores) = try Self.savedRegisters(afterReturning: "v2")
        #expect(saved == SavedRegisters([], behindContext: true))
        #expect(stores.count == 2)
    }

    /// What a function saves that calls one which throws, and which registers it stores in its
    /// frame. Its handler needs v0, and where nothing is thrown it returns `value`.
    private static func savedRegisters(
        afterReturning value: String
    ) throws -> (saved: SavedRegisters, stores: [String]) {
        var generator = CodeGenerator()
        var batch = CodeBatch()
        let function = try Function(
            text: """
                function (i64) -> (i64)
                  v2: i64 = constant 5
                block0(v0: i64):
                  tryCall 0(), block1(), [catchAll block2()]
                block1():
                  return (\(value))
                block2(v1: ref) cold:
                  return (v0)
                """)
        #expect(generator.generate(function, as: 0, into: &batch))
        let record = batch.functions[0]
        let start = Int(record.codeStart)
        let code = batch.code.span.extracting(start..<start + Int(record.codeLength))
        let stores = CodeListing(code).lines.map(\.text)
            .filter { $0.hasPrefix("mov qword ptr [rbp") }
            .map { $0.split(separator: " ").last.map(String.init) ?? "" }
        return (batch.sites.calls[Int(record.callStart)].saved, stores)
    }
}
