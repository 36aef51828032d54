internal import ApusCollections

/// Unicode in the letters of ASCII (RFC 3492), as Rust's names have it: an underscore stands where
/// the RFC has a hyphen.
enum Punycode {
    private static var base: Int { 36 }
    private static var least: Int { 1 }
    private static var most: Int { 26 }

    /// More scalars than this no name has; each takes work that grows with their number.
    private static var scalarLimit: Int { 500 }

    /// The text that `bytes` stand for; nil if they are not Punycode.
    static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        let split = bytes.lastIndex(of: UInt8(ascii: "_"))
        var scalars = bytes[..<(split ?? bytes.startIndex)].map { UInt32($0) }
        var rest = bytes[(split.map { $0 + 1 } ?? bytes.startIndex)...]
        var code = 128
        var place = 0
        var bias = 72
        while !rest.isEmpty {
            let before = place
            guard let distance = number(&rest, bias) else { return nil }
            let (sum, overflow) = place.addingReportingOverflow(distance)
            let count = scalars.count + 1
            if overflow || count > scalarLimit { return nil }
            place = sum
            bias = adapted(place - before, count, isFirst: before == 0)
            guard place / count <= 0x10FFFF - code else { return nil }
            code += place / count
            place %= count
            scalars.insert(UInt32(code), at: place)
            place += 1
        }
        var text = String.UnicodeScalarView()
        for value in scalars {
            guard let scalar = Unicode.Scalar(value) else { return nil }
            text.append(scalar)
        }
        return String(text)
    }

    /// A number whose digits each say whether it is the last.
    private static func number(_ rest: inout ArraySlice<UInt8>, _ bias: Int) -> Int? {
        var value = 0
        var weight = 1
        var threshold = base
        while let byte = rest.popFirst() {
            let digit: Int
            switch byte {
            case 0x61...0x7A: digit = Int(byte) - 0x61
            case 0x41...0x5A: digit = Int(byte) - 0x41
            case 0x30...0x39: digit = Int(byte) - 0x30 + 26
            default: return nil
            }
            let (part, tooLarge) = digit.multipliedReportingOverflow(by: weight)
            let (sum, overflow) = value.addingReportingOverflow(part)
            if tooLarge || overflow { return nil }
            value = sum
            let bound = min(max(threshold - bias, least), most)
            if digit < bound { return value }
            let (next, excess) = weight.multipliedReportingOverflow(by: base - bound)
            if excess { return nil }
            weight = next
            threshold += base
        }
        return nil
    }

    private static func adapted(_ distance: Int, _ count: Int, isFirst: Bool) -> Int {
        var distance = distance / (isFirst ? 700 : 2)
        distance += distance / count
        var steps = 0
        while distance > (base - least) * most / 2 {
            distance /= base - least
            steps += base
        }
        return steps + (base - least + 1) * distance / (distance + 38)
    }
}
