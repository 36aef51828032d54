public import ApusCollections

/// Where the sections with debugging information lie in a module's bytes.
public struct DebugSections: Sendable {
    /// The sections of DWARF that say which source an instruction comes from.
    public enum Kind: Int, CaseIterable, Sendable {
        case information, abbreviations, lines, strings, lineStrings, ranges, rangeLists
        case addresses, stringOffsets
        /// Where variables are at which instructions: before version 5, and since.
        case locations, locationLists

        /// What the section is called in a module.
        public var name: String {
            switch self {
            case .information: ".debug_info"
            case .abbreviations: ".debug_abbrev"
            case .lines: ".debug_line"
            case .strings: ".debug_str"
            case .lineStrings: ".debug_line_str"
            case .ranges: ".debug_ranges"
            case .rangeLists: ".debug_rnglists"
            case .addresses: ".debug_addr"
            case .stringOffsets: ".debug_str_offsets"
            case .locations: ".debug_loc"
            case .locationLists: ".debug_loclists"
            }
        }
    }

    let bytes: ByteStorage
    private var places = [Range<Int>](repeating: 0..<0, count: Kind.allCases.count)

    /// No sections of `bytes` yet.
    public init(_ bytes: ByteStorage) { self.bytes = bytes }

    /// Where a section's contents are in the module's bytes; empty if there is none. What does not
    /// lie in them counts as none.
    public subscript(kind: Kind) -> Range<Int> {
        get { places[kind.rawValue] }
        set {
            let isInside = newValue.lowerBound >= 0 && newValue.upperBound <= bytes.count
            places[kind.rawValue] = isInside ? newValue : 0..<0
        }
    }

    /// Bytes of all sections together.
    var byteCount: Int { places.reduce(0) { $0 + $1.count } }

    /// Reads a section from `offset` in it on.
    func reader(_ kind: Kind, at offset: Int = 0) throws(MalformedDebugInformation) -> DebugReader {
        let place = self[kind]
        guard offset >= 0, offset <= place.count else {
            throw MalformedDebugInformation(offset: place.lowerBound)
        }
        return DebugReader(bytes, place.lowerBound + offset..<place.upperBound)
    }
}

/// Debugging information says something that it cannot mean.
public struct MalformedDebugInformation: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the module's bytes.
    public let offset: Int

    public var description: String { "malformed debugging information at \(offset)" }
}
