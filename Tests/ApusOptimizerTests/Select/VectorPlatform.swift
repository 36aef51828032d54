import ApusABI
import ApusFormat
import ApusTestSupport
import Testing

/// A processor that this one can stand for, and what relaxed instructions are to do on it.
struct VectorPlatform: Sendable, CustomTestStringConvertible {
    var processor: ProcessorFeatures
    var isDeterministic: Bool

    /// SSE4.1 only, AVX, AVX2, and with fused multiplication, as far as this processor has them.
    static let all: [VectorPlatform] = {
        let general: ProcessorFeatures = [.popcnt, .lzcnt, .bmi1, .bmi2]
        let extensions: [ProcessorFeatures] = [[], [.avx], [.avx, .avx2], [.avx, .avx2, .fma]]
        var platforms: [VectorPlatform] = []
        for features in extensions where ProcessorFeatures.host.isSuperset(of: features) {
            for isDeterministic in [false, true] {
                platforms.append(
                    VectorPlatform(
                        processor: general.union(features), isDeterministic: isDeterministic))
            }
        }
        return platforms
    }()

    var model: VectorModel {
        VectorModel(
            isDeterministic: isDeterministic,
            isFused: processor.contains(.fma) && !isDeterministic,
            selectsByHighestBit: processor.contains(.avx))
    }

    func compile(_ texts: String...) throws -> NativeFunction {
        try NativeFunction(
            texts, processor: processor, isRelaxedSIMDDeterministic: isDeterministic)
    }

    var testDescription: String {
        let names: [(ProcessorFeatures, String)] = [
            (.fma, "fma"), (.avx2, "avx2"), (.avx, "avx"),
        ]
        let name = names.first { processor.contains($0.0) }?.1 ?? "sse4.1"
        return isDeterministic ? name + ", deterministic" : name
    }
}

/// Vector instructions by the operator that they are in functions.
enum VectorInstructions {
    /// Numbers of all instructions that make a vector of this many vectors.
    static func computing(_ operands: Int) -> [(number: Int, operation: ApusFormat.Operation)] {
        all.filter { count($0.operation) == operands }
    }

    static let all: [(number: Int, operation: ApusFormat.Operation)] =
        (0..<Opcodes.count(prefix: 0xFD)).compactMap { number in
            Opcodes.opcode(prefix: 0xFD, code: number).map { (number, $0.operation) }
        }

    private static func count(_ operation: ApusFormat.Operation) -> Int? {
        let model = VectorModel(
            isDeterministic: true, isFused: false, selectsByHighestBit: false)
        let zero = ModelVector()
        if model.result(operation, zero) != nil { return 1 }
        if model.result(operation, zero, zero) != nil { return 2 }
        return model.result(operation, zero, zero, zero) != nil ? 3 : nil
    }
}
