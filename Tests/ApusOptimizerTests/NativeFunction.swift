import ApusABI
import ApusAssembler
import ApusCollections
import ApusIR
import ApusTestSupport
import Testing

@testable import ApusOptimizer

/// Functions as text, compiled, and the first of them ready to be called.
///
/// They may call each other by their places in the list, in which callees made by hand come last.
/// The context is a block of words: the one at `addressOffset` is the block's own address, those
/// from `memoryOffset` on are for tests. The last callee is also an imported function, at
/// `importOffset`, what the record at `recordOffset` refers to, and the runtime.
struct NativeFunction: ~Copyable {
    private let code: NativeCode
    private let entry: Int
    private let parameterCount: Int
    private let resultCount: Int
    /// Where the code of the last function is.
    private let last: Int

    static var importOffset: Int { 944 }
    static var recordOffset: Int { 960 }
    static var addressOffset: Int { 1024 }
    /// 0 if the function has kept the registers that it has to keep.
    private static var keptOffset: Int { 1032 }
    static var memoryOffset: Int { 1040 }
    private static var memoryWords: Int { 16 }
    private static var valueStart: Int { memoryOffset / 8 + memoryWords }

    struct RefusalError: Error {}

    init(
        _ texts: [String], processor: ProcessorFeatures = .host,
        isRelaxedSIMDDeterministic: Bool = false, allocationSeed: UInt64? = nil,
        callees: [ThrowingCallee] = []
    ) throws {
        var generator = CodeGenerator(
            processor: processor, isRelaxedSIMDDeterministic: isRelaxedSIMDDeterministic,
            allocationSeed: allocationSeed)
        var batch = CodeBatch()
        var verifier = Verifier()
        var types: (parameters: [IRType], results: [IRType])?
        for (index, text) in texts.enumerated() {
            let function = try Function(text: text)
            #expect(verifier.verify(function) == [], "\(text)")
            if types == nil {
                types = (
                    function[Block.entry].parameters.map { function.type(function.order[$0]) },
                    (0..<function.results.count).map { function.results[$0] }
                )
            }
            guard generator.generate(function, as: index, into: &batch) else {
                throw RefusalError()
            }
            let problems = AllocationChecker.check(
                generator.selector.machine, generator.allocation, generator.frameSlots,
                generator.sinking, generator.allocator.liveness)
            #expect(problems == [], "\(text)")
        }
        let (parameters, results) = types ?? ([], [])
        for callee in callees { callee.append(to: &batch) }
        let last = Int(batch.functions.last.codeStart)
        Self.link(&batch)
        batch.code.align(to: 16)
        let entry = batch.code.count
        Self.makeEntry(parameters, results, &batch)
        let hasFailed = batch.code.hasFailed
        #expect(!hasFailed)
        let code = try NativeCode(batch.code.span)
        self.code = code
        self.entry = entry
        self.last = last
        parameterCount = parameters.count
        resultCount = results.count
    }

    /// Calls the function. Values of fewer than 128 bits are the low bits.
    func call(_ values: [ModelVector], memory: inout [UInt64]) -> [ModelVector] {
        var words: [UInt64] = Array(repeating: 0, count: Self.valueStart)
        let start = Self.memoryOffset / 8
        for (index, word) in memory.enumerated() { words[start + index] = word }
        let target = code.address(of: last)
        words[(Self.importOffset + Int(FunctionImportField.code)) / 8] = target
        words[(Self.recordOffset + Int(FuncrefField.code)) / 8] = target
        words[Int(ContextField.runtimeCall) / 8] = target
        for value in values { words += [value.low, value.high] }
        words += Array(repeating: 0, count: 2 * resultCount)
        code.call(at: entry, &words)
        #expect(words[Self.keptOffset / 8] == 0)
        for index in memory.indices { memory[index] = words[start + index] }
        return (0..<resultCount).map { index in
            let place = Self.valueStart + 2 * (parameterCount + index)
            return ModelVector(low: words[place], high: words[place + 1])
        }
    }

    func call(_ values: ModelVector...) -> [ModelVector] {
        var memory: [UInt64] = []
        return call(values, memory: &memory)
    }

    private static func link(_ batch: inout CodeBatch) {
        for index in 0..<batch.functions.count {
            let function = batch.functions[index]
            for place in 0..<Int(function.relocationCount) {
                let relocation = batch.relocations[Int(function.relocationStart) + place]
                let position = Int(function.codeStart + relocation.codeOffset)
                let target = Int(batch.functions[Int(relocation.function)].codeStart)
                batch.code.patch32(
                    at: position,
                    UInt32(bitPattern: Int32(truncatingIfNeeded: target - position - 4)))
            }
        }
    }

    /// A C function of the address of the words: passes the values, calls the first function and
    /// takes its results.
    private static func makeEntry(
        _ parameters: [IRType], _ results: [IRType], _ batch: inout CodeBatch
    ) {
        let saved: [GPR] = [.rbx, .r12, .r13, .r14, .r15]
        batch.code.push(.rbp)
        batch.code.move(.w64, .rbp, .rsp)
        for register in saved { batch.code.push(register) }
        batch.code.move(.w64, .rbx, .rdi)
        batch.code.move(.w64, CallingConvention.context, .rdi)
        for offset in [
            Int32(addressOffset), Int32(importOffset) + FunctionImportField.context,
            Int32(recordOffset) + FuncrefField.context,
        ] {
            batch.code.store(.w64, Address(.rbx, offset), .rdi)
        }
        let kept: [GPR] = [.r12, .r13, .r14, .r15]
        for register in kept { batch.code.move(.w64, register, .rbx) }
        var arguments = PlaceCounter.arguments
        let places = parameters.map { arguments.next($0) }
        var resultPlaces = PlaceCounter.results
        let taken = results.map { resultPlaces.next($0) }
        let argumentBytes = arguments.areaBytes(results: resultPlaces.stackBytes)
        let bytes = argumentBytes + ((resultPlaces.stackBytes + 15) & ~15) + 8
        batch.code.alu(.sub, .w64, .rsp, immediate: bytes)
        if resultPlaces.stackBytes > 0 {
            batch.code.lea(.w64, .rax, Address(.rsp, argumentBytes))
            batch.code.store(
                .w64, Address(.rsp, CallingConvention.resultPointerOffset(in: argumentBytes)),
                .rax)
        }
        for (index, place) in places.enumerated() {
            pass(place, parameters[index], value(index), &batch.code)
        }
        let position = batch.code.callRelative()
        let target = Int(batch.functions[0].codeStart) - position - 4
        batch.code.patch32(at: position, UInt32(bitPattern: Int32(truncatingIfNeeded: target)))
        for (index, place) in taken.enumerated() {
            take(place, results[index], value(parameters.count + index), &batch.code)
        }
        for register in kept {
            batch.code.alu(.sub, .w64, register, .rbx)
            batch.code.alu(.or, .w64, Address(.rbx, Int32(keptOffset)), register)
        }
        batch.code.lea(.w64, .rsp, Address(.rbp, Int32(-8 * saved.count)))
        for register in saved.reversed() { batch.code.pop(register) }
        batch.code.pop(.rbp)
        batch.code.ret()
    }

    private static func value(_ index: Int) -> Address {
        Address(.rbx, Int32(8 * (valueStart + 2 * index)))
    }

    private static func pass(
        _ place: PlaceCounter.Place, _ type: IRType, _ value: Address, _ code: inout CodeBuffer
    ) {
        switch place {
        case .register(let register) where register.isVector:
            code.loadVector(register.vector, value)
        case .register(let register):
            code.load(type == .i32 ? .w32 : .w64, register.general, value)
        case .stack(let offset):
            if type == .v128 {
                code.loadVector(.xmm15, value)
                code.storeVector(Address(.rsp, offset), .xmm15)
            } else {
                code.loadFloat(.f64, .xmm15, value)
                code.storeFloat(.f64, Address(.rsp, offset), .xmm15)
            }
        }
    }

    private static func take(
        _ place: PlaceCounter.Place, _ type: IRType, _ value: Address, _ code: inout CodeBuffer
    ) {
        switch place {
        case .register(let register) where register.isVector:
            code.storeVector(value, register.vector)
        case .register(let register): code.store(.w64, value, register.general)
        case .stack(let offset):
            code.loadVector(.xmm15, Address(.rsp, offset))
            code.storeVector(value, .xmm15)
        }
    }
}
