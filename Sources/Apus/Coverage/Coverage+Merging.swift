extension Coverage {
    /// Adds what `other` has seen: another run, or another module.
    ///
    /// Lines, functions and branches are the same if they are at the same place of a file of the
    /// same path, and their counts are added up. The functions that are left out are the greater
    /// number of both.
    public mutating func merge(_ other: Coverage) {
        unmappedFunctions = max(unmappedFunctions, other.unmappedFunctions)
        files = Self.joined(files + other.files)
    }

    /// The files by their paths, of which those with the same one are put together.
    static func joined(_ files: [File]) -> [File] {
        var builders: [String: CoverageFileBuilder] = [:]
        for file in files { builders[file.path, default: CoverageFileBuilder()].add(file) }
        return builders.map { $1.file(at: $0) }.sorted { $0.path < $1.path }
    }

    /// What counts without end ends at the highest number.
    static func sum(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? .max : sum
    }
}

extension Coverage.Function {
    /// Where it is among the functions of its file.
    struct Place: Hashable, Comparable {
        var line: Int
        var name: String

        static func < (left: Place, right: Place) -> Bool {
            (left.line, left.name) < (right.line, right.name)
        }
    }

    var place: Place { Place(line: line, name: name) }
}

extension Coverage.Branch {
    /// Where it is among the branches of its file.
    struct Place: Hashable, Comparable {
        var line: Int
        var number: Int

        static func < (left: Place, right: Place) -> Bool {
            (left.line, left.number) < (right.line, right.number)
        }
    }

    var place: Place { Place(line: line, number: number) }

    /// Adds what another copy of it, or another run, has counted.
    mutating func add(_ other: [UInt64]) {
        if counts.count < other.count {
            counts += Array(repeating: 0, count: other.count - counts.count)
        }
        for way in other.indices { counts[way] = Coverage.sum(counts[way], other[way]) }
    }
}
