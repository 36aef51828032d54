import ApusABI
import ApusAssembler
import ApusBaseline
import ApusCollections
import ApusFormat
import ApusText

/// The code of one function, in the words of the disassembler.
///
/// What tests find in registers: locals in rdi, r8, r9 and r10, floats in xmm6 and on; operands in
/// rax, rcx, rdx and rsi, floats in xmm0 and on. Between instructions nothing is in r11 and xmm15.
/// The context is in r15, the frame below rbp.
struct FunctionCode {
    /// What became of the body's instructions but for the last `end`.
    private(set) var body: [String] = []
    /// What became of that, and what was put off: results go where callers want them, the frame
    /// goes, traps.
    private(set) var rest: [String] = []
    /// What may trap, in order, but for the stack, which is looked at before the body begins.
    private(set) var traps: [TrapCode] = []
    /// How many places calls return to.
    private(set) var callCount = 0

    /// Compiles the last function of a module, whose text `function` is without its parentheses.
    init(
        _ function: String, in module: String = "",
        on processor: ProcessorFeatures = Self.newest, hasStopPoints: Bool = false,
        _ choose: (inout ModuleEnvironment) -> Void = { _ in }
    ) throws {
        let bytes = try TextFormat.parseModule("(module \(module) (func \(function)))")
        let decoded = try ModuleDecoder.decode(ByteStorage(bytes))
        try ModuleValidator.validate(decoded)
        var environment = ModuleEnvironment(
            module: decoded, processor: processor, hasStopPoints: hasStopPoints)
        environment.notesInstructions = true
        choose(&environment)
        let index = decoded.importedFunctionCount + decoded.bodies.count - 1
        var validator = FunctionValidator(decoded)
        try validator.validate(index)
        var compiler = BaselineCompiler(environment)
        var batch = CodeBatch()
        try compiler.compile(index, validator.analysis, into: &batch)
        read(batch)
    }

    static let newest: ProcessorFeatures = [.popcnt, .lzcnt, .bmi1, .bmi2, .avx, .avx2, .fma]

    private mutating func read(_ batch: borrowing CodeBatch) {
        guard !batch.sites.instructions.isEmpty else { return }
        let start = Int(batch.sites.instructions[0].codeOffset)
        let end = Int(batch.sites.instructions.last.codeOffset)
        for line in CodeListing(batch.bytes).lines where line.offset >= start {
            if line.offset < end { body.append(line.text) } else { rest.append(line.text) }
        }
        for index in 0..<batch.sites.traps.count {
            let trap = batch.sites.traps[index].code
            if trap != .stackExhausted { traps.append(trap) }
        }
        callCount = batch.sites.calls.count
    }

    /// All of it behind what begins the function.
    var all: [String] { body + rest }

    /// The names of the body's instructions.
    var names: [String] { body.map { String($0.prefix { $0 != " " }) } }
}
