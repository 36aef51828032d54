internal import ApusCollections

/// How often the lines, functions and branches of guests' sources have been run.
///
/// Modules of an engine that counts (`Engine.Configuration.countsCoverage`) tell it at any time
/// (`Module.coverage(named:)`); what several of them tell, or several runs, can be merged.
public struct Coverage: Hashable, Sendable, Codable {
    /// A file of the sources.
    public struct File: Hashable, Sendable, Codable {
        /// Its path, as the compiler saw it.
        public var path: String
        /// The lines that code comes from, ascending.
        public var lines: [Line] = []
        /// The functions that have code, by their lines and names.
        public var functions: [Function] = []
        /// The branches, by their lines and numbers.
        public var branches: [Branch] = []
        /// What the file holds, if there is no such file: a module as text.
        public var text: String?

        /// A file at `path`, of which nothing is known yet.
        public init(path: String) { self.path = path }
    }

    /// A line that code comes from.
    public struct Line: Hashable, Sendable, Codable {
        /// Counted from 1.
        public var number: Int
        /// How often it was begun, in all functions that it is part of.
        public var count: UInt64

        /// Line `number`, which was run `count` times.
        public init(number: Int, count: UInt64) {
            self.number = number
            self.count = count
        }
    }

    /// A function of the source that has code, of its own or in others.
    public struct Function: Hashable, Sendable, Codable {
        /// As it stands in the source.
        public var name: String
        /// Where it begins.
        public var line: Int
        /// How often it was called.
        public var count: UInt64

        /// A function that was called `count` times.
        public init(name: String, line: Int, count: UInt64) {
            self.name = name
            self.line = line
            self.count = count
        }
    }

    /// A place where code goes on in several ways.
    public struct Branch: Hashable, Sendable, Codable {
        /// The line that it comes from.
        public var line: Int
        /// Tells the branches of a line apart, from 0 on.
        public var number: Int
        /// How often each way was taken: for a condition the one that is true, or branches, and
        /// the other one; for a table of branches each of its targets.
        public var counts: [UInt64]

        /// A branch whose ways were taken so often.
        public init(line: Int, number: Int, counts: [UInt64]) {
            self.line = line
            self.number = number
            self.counts = counts
        }
    }

    /// The files, by their paths.
    public var files: [File] = []
    /// Functions that are left out since their module has sources for others, but not for them.
    public var unmappedFunctions = 0

    /// Of nothing yet.
    public init() {}
}

extension Coverage {
    /// How much of something has been run.
    public struct Share: Hashable, Sendable {
        /// How many there are.
        public var total = 0
        /// How many of them have been run.
        public var covered = 0

        /// The part that has been run, from 0 to 1; 1 if there is nothing.
        public var fraction: Double { total == 0 ? 1 : Double(covered) / Double(total) }

        static func + (left: Share, right: Share) -> Share {
            Share(total: left.total + right.total, covered: left.covered + right.covered)
        }
    }

    private func sum(_ share: (File) -> Share) -> Share { files.map(share).reduce(Share(), +) }

    /// The lines of all files.
    public var lineShare: Share { sum(\.lineShare) }
    /// The functions of all files.
    public var functionShare: Share { sum(\.functionShare) }
    /// The ways of the branches of all files.
    public var branchShare: Share { sum(\.branchShare) }

    /// Has files whose paths begin with the folder `old` begin with `new` instead, if the compiler
    /// saw the sources somewhere else than where they are. Files that get the same path become one.
    public mutating func substitutePath(_ old: String, _ new: String) {
        for index in files.indices {
            files[index].path = PathPrefix.replacing(old, with: new, in: files[index].path)
        }
        files = Self.joined(files)
    }
}

extension Coverage.File {
    /// The lines that code comes from.
    public var lineShare: Coverage.Share {
        Coverage.Share(total: lines.count, covered: lines.count { $0.count > 0 })
    }

    /// The functions that have code.
    public var functionShare: Coverage.Share {
        Coverage.Share(total: functions.count, covered: functions.count { $0.count > 0 })
    }

    /// The ways of the branches.
    public var branchShare: Coverage.Share {
        branches.reduce(into: Coverage.Share()) { share, branch in
            share.total += branch.counts.count
            share.covered += branch.counts.count { $0 > 0 }
        }
    }
}

/// The first folders of a path.
enum PathPrefix {
    /// `path`, with `new` in place of the folder `old` if it is in that.
    static func replacing(_ old: String, with new: String, in path: String) -> String {
        guard
            let rest = path.utf8.starts(with: old.utf8) ? path.utf8.dropFirst(old.utf8.count) : nil
        else { return path }
        // Whole names only: /src is no part of /srcs.
        let slash = UInt8(ascii: "/")
        guard rest.isEmpty || rest.first == slash || old.utf8.last == slash || old.isEmpty else {
            return path
        }
        return new + String(decoding: rest, as: UTF8.self)
    }
}
