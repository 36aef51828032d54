import ApusFormat
import ApusTestSupport

/// Functions of vector instructions, from a seed, with what they give.
struct RandomVectors {
    private var state: UInt64
    private let instructions: [[(number: Int, operation: ApusFormat.Operation)]]

    init(state: UInt64) {
        self.state = state
        // Of floats the model does not know which NaN they are.
        instructions = (1...3).map { count in
            VectorInstructions.computing(count).filter { Self.isOfIntegers($0.operation) }
        }
    }

    private static func isOfIntegers(_ operation: ApusFormat.Operation) -> Bool {
        switch operation {
        case .vectorNot, .vectorBitwise, .vectorBitselect: true
        case .vectorCompare(let shape, _), .vectorUnary(let shape, _), .vectorBinary(let shape, _),
            .vectorTernary(let shape, _):
            shape != .f32x4 && shape != .f64x2
        default: false
        }
    }

    private mutating func random(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state >> 33) % limit
    }

    /// A function of two vectors, and what it gives for `a` and `b`: the last twelve values.
    mutating func function(
        of size: Int, on a: ModelVector, _ b: ModelVector, _ model: VectorModel
    ) -> (text: String, results: [ModelVector]) {
        var values = [a, b]
        var body = ""
        while values.count < size + 2 {
            let operands = random(5) == 0 ? 3 : random(4) == 0 ? 1 : 2
            let choices = instructions[operands - 1]
            let (number, operation) = choices[random(choices.count)]
            let places = (0..<operands).map { _ in random(values.count) }
            let taken = places.map { values[$0] }
            let result: VectorModel.Result?
            let name: String
            switch operands {
            case 1:
                name = "vectorUnary"
                result = model.result(operation, taken[0])
            case 2:
                name = "vectorBinary"
                result = model.result(operation, taken[0], taken[1])
            default:
                name = "vectorTernary"
                result = model.result(operation, taken[0], taken[1], taken[2])
            }
            guard let result else { continue }
            let list = places.map { "v\($0)" }.joined(separator: ", ")
            body += "  v\(values.count): v128 = \(name).\(number) \(list)\n"
            values.append(result.vector)
        }
        let last = (values.count - 12..<values.count).map { "v\($0)" }.joined(separator: ", ")
        let types = Array(repeating: "v128", count: 12).joined(separator: ", ")
        let text = """
            function (v128, v128) -> (\(types))
            block0(v0: v128, v1: v128):
            \(body)  return (\(last))
            """
        return (text, Array(values.suffix(12)))
    }
}
