internal import ApusCollections

extension DebugInformation {
    /// Where the code of a line begins, and of which line it is: see `SourceIndex.offsets`.
    mutating func addresses(
        ofLine line: Int, in path: String
    ) -> [(address: UInt32, line: Int)] {
        var found: [(address: UInt32, line: Int)] = []
        var best = Int.max
        for index in unitIndices {
            let paths = self.paths(ofUnit: index)
            let files = paths.indices.filter { SourcePath.isSame(paths[$0], path) }
            guard !files.isEmpty else { continue }
            let table = lines(ofUnit: index)
            let numbers = Set(files.map { UInt32($0 + table.firstFile) })
            for place in table.beginnings(from: line, upTo: best, in: numbers) {
                if place.line < best {
                    best = place.line
                    found.removeAll()
                }
                found.append(place)
            }
        }
        return found.sorted { $0.address < $1.address }
    }

    /// The paths of all files that code comes from.
    mutating func allPaths() -> Set<String> {
        var found: Set<String> = []
        for index in unitIndices {
            let table = lines(ofUnit: index)
            let used = Set(table.rows.lazy.filter { $0.line > 0 }.map(\.file))
            for (number, path) in paths(ofUnit: index).enumerated()
            where used.contains(UInt32(number + table.firstFile)) && !path.isEmpty {
                found.insert(path)
            }
        }
        return found
    }
}

extension LineTable {
    /// Of the lines from `first` up to `last` that have code, the first one's: where that begins in
    /// each sequence, which is a function's.
    fileprivate func beginnings(
        from first: Int, upTo last: Int, in files: Set<UInt32>
    ) -> [(address: UInt32, line: Int)] {
        var best = last
        var found: [(address: UInt32, line: Int)] = []
        for sequence in sequences {
            var row = sequence.rows.lowerBound
            var hasOne = false
            while row < sequence.rows.upperBound {
                defer { row += 1 }
                let line = Int(rows[row].line)
                guard line >= first, line > 0, line <= best, files.contains(rows[row].file) else {
                    continue
                }
                if line < best {
                    best = line
                    found.removeAll()
                    hasOne = false
                }
                if hasOne { continue }
                hasOne = true
                found.append((behindBeginning(row, sequence), line))
            }
        }
        return found
    }

    /// The address of a row, or if that is where its function begins, of the one behind what
    /// functions begin with.
    private func behindBeginning(_ row: Int, _ sequence: Sequence) -> UInt32 {
        guard row == sequence.rows.lowerBound, row + 1 < sequence.rows.upperBound else {
            return rows[row].address
        }
        return rows[row + 1].address
    }
}
