public import Foundation

/// One command of a converted script of the specification's test suite: the JSON form that the
/// usual converters write.
public struct ScriptCommand: Decodable, Sendable {
    public var type: String
    public var line: Int
    public var name: String?
    /// File of the module, beside the script.
    public var filename: String?
    public var binaryFilename: String?
    public var moduleType: String?
    public var registeredName: String?
    public var text: String?
    public var action: Action?
    public var expected: [Constant]?
    public var module: String?
    public var instance: String?

    enum CodingKeys: String, CodingKey {
        case type, line, name, filename, text, action, expected, module, instance
        case binaryFilename = "binary_filename"
        case moduleType = "module_type"
        case registeredName = "as"
    }

    public struct Action: Decodable, Sendable {
        public var type: String
        public var module: String?
        public var field: String
        public var args: [Constant]?
    }

    /// A value or, where a result is expected, what it may be.
    public struct Constant: Decodable, Sendable {
        public var type: String
        /// A decimal number, `null`, or a kind of NaN. Absent: any value of the type.
        public var value: String?
        public var values: [Constant]?
        /// The lanes of a vector, and what they are.
        public var lanes: [String]?
        public var laneType: String?

        enum CodingKeys: String, CodingKey {
            case type, value, values
            case laneType = "lane_type"
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            type = try container.decode(String.self, forKey: .type)
            value = try? container.decode(String.self, forKey: .value)
            values = try? container.decode([Constant].self, forKey: .values)
            lanes = try? container.decode([String].self, forKey: .value)
            laneType = try? container.decode(String.self, forKey: .laneType)
        }
    }

    /// The commands of a converted script.
    public static func read(_ file: URL) throws -> [ScriptCommand] {
        struct Script: Decodable { var commands: [ScriptCommand] }
        return try JSONDecoder().decode(Script.self, from: Data(contentsOf: file)).commands
    }
}

extension ScriptCommand.Constant {
    /// The value, if it is one that Apus has. Numbers are written with or without a sign.
    public var argument: ReferenceValue? {
        if type == "v128" { return vector }
        guard let value else { return nil }
        let isNull = value == "null"
        switch type {
        case "i32": return bits32.map { .i32($0) }
        case "i64": return bits64.map { .i64($0) }
        case "f32": return bits32.map { .f32($0) }
        case "f64": return bits64.map { .f64($0) }
        case "funcref" where isNull: return .function(nil)
        case "externref": return isNull ? .extern(nil) : UInt32(value).map { .extern($0) }
        default: return nil
        }
    }

    /// Bits of one lane.
    private var laneBits: Int { laneType.flatMap { Int($0.dropFirst()) } ?? 0 }

    private var vector: ReferenceValue? {
        guard let lanes, laneBits * lanes.count == 128 else { return nil }
        var halves: [UInt64] = [0, 0]
        for (index, text) in lanes.enumerated() {
            guard let lane = UInt64(text) ?? Int64(text).map({ UInt64(bitPattern: $0) }) else {
                return nil
            }
            let mask = laneBits == 64 ? .max : UInt64(1) << UInt64(laneBits) - 1
            let position = index * laneBits
            halves[position / 64] |= (lane & mask) << UInt64(position % 64)
        }
        return .v128(low: halves[0], high: halves[1])
    }

    /// Whether the vector's lanes are what the script expects, lane by lane.
    private func matchesLanes(_ low: UInt64, _ high: UInt64) -> Bool? {
        guard let lanes, let laneType, laneBits * lanes.count == 128 else { return nil }
        for (index, text) in lanes.enumerated() {
            let position = index * laneBits
            let bits = (position < 64 ? low : high) >> UInt64(position % 64)
            var lane = self
            lane.type = ["f64", "i64", "f32"].contains(laneType) ? laneType : "i32"
            lane.value = text
            let result: ReferenceValue =
                switch laneType {
                case "f32": .f32(UInt32(truncatingIfNeeded: bits))
                case "f64": .f64(bits)
                case "i64": .i64(bits)
                default:
                    .i32(UInt32(truncatingIfNeeded: bits) & laneMask)
                }
            if laneBits < 32, let number = Int64(text) {
                lane.value = "\(UInt32(truncatingIfNeeded: number) & laneMask)"
            }
            guard let matches = lane.matches(result) else { return nil }
            if !matches { return false }
        }
        return true
    }

    private var laneMask: UInt32 { laneBits < 32 ? 1 << UInt32(laneBits) - 1 : .max }

    private var bits32: UInt32? {
        value.flatMap { text in UInt32(text) ?? Int32(text).map { UInt32(bitPattern: $0) } }
    }

    private var bits64: UInt64? {
        value.flatMap { text in UInt64(text) ?? Int64(text).map { UInt64(bitPattern: $0) } }
    }

    /// Whether `result` is what the script expects; nil if the pattern is not understood.
    public func matches(_ result: ReferenceValue) -> Bool? {
        if type == "either" {
            return values?.contains { $0.matches(result) == true }
        }
        if type == "v128" {
            guard case .v128(let low, let high) = result else { return false }
            return matchesLanes(low, high)
        }
        if let exact = argument { return exact == result }
        switch (type, value, result) {
        case ("f32", "nan:canonical", .f32(let bits)): return bits & 0x7FFF_FFFF == 0x7FC0_0000
        case ("f32", "nan:arithmetic", .f32(let bits)): return bits & 0x7FC0_0000 == 0x7FC0_0000
        case ("f64", "nan:canonical", .f64(let bits)):
            return bits & 0x7FFF_FFFF_FFFF_FFFF == 0x7FF8_0000_0000_0000
        case ("f64", "nan:arithmetic", .f64(let bits)):
            return bits & 0x7FF8_0000_0000_0000 == 0x7FF8_0000_0000_0000
        case ("funcref", nil, .function(let address)): return address != nil
        case ("externref", nil, .extern(let number)): return number != nil
        case ("refnull", _, .function(let address)): return address == nil
        case ("refnull", _, .extern(let number)): return number == nil
        case ("f32", _, _), ("f64", _, _), ("funcref", _, _), ("externref", _, _): return false
        default: return nil
        }
    }
}
