import ApusABI
import Testing

/// What becomes of a function's instructions, to be checked.
struct CodeRule: Sendable, CustomTestStringConvertible {
    let testDescription: String
    private let function: String
    /// The code. A line that ends in “…” goes on in any way.
    private let code: [String]

    init(_ description: String, _ function: String, _ code: [String]) {
        testDescription = description
        self.function = function
        self.code = code
    }

    func check(
        in module: String = "", on processor: ProcessorFeatures = FunctionCode.newest,
        _ choose: (inout ModuleEnvironment) -> Void = { _ in },
        at place: SourceLocation = #_sourceLocation
    ) throws {
        let body = try FunctionCode(function, in: module, on: processor, choose).body
        let isAsSaid = body.count == code.count && zip(body, code).allSatisfy(Self.matches)
        #expect(isAsSaid, "\(body)", sourceLocation: place)
    }

    private static func matches(_ line: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("…") ? line.hasPrefix(pattern.dropLast()) : line == pattern
    }
}
