//! The public sets: where they are published, how they are verified and how large they may be.
//!
//! MovieLens: GroupLens, <https://grouplens.org/datasets/movielens/>, with the MD5 it publishes beside each
//! archive. Amazon: McAuley Lab, reviews up to 2014
//! (<https://jmcauley.ucsd.edu/data/amazon/links.html>) and up to 2018
//! (<https://nijianmo.github.io/amazon/index.html>), for which no checksums are published.

use super::Checksum;

/// A set by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataSet {
    /// Whoever asks gets it.
    Open(Published),
    /// Terms must be accepted first, by a person.
    Closed {
        /// Where that is done.
        page: &'static str,
        /// The file of interactions in what is then downloaded.
        file: &'static str,
    },
}

/// A file that can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its address.
    pub url: String,
    /// What its publisher says it has.
    pub checksum: Option<Checksum>,
    /// The most bytes that are downloaded.
    pub limit: u64,
    /// Which file of it has the interactions, if it is an archive.
    pub entry: Option<Entry>,
    /// Options that `--data` needs beside it.
    pub options: Vec<String>,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its whole name.
    pub name: &'static str,
    /// The most bytes that are extracted.
    pub limit: u64,
}

impl Published {
    /// The name of the file in its address.
    pub fn file_name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

struct MovieLens {
    name: &'static str,
    entry: &'static str,
    md5: [u8; 16],
    /// Of the archive, and of the file in it: about twice what they have.
    limits: [u64; 2],
}

const MOVIELENS: [MovieLens; 4] = [
    MovieLens {
        name: "ml-100k",
        entry: "ml-100k/u.data",
        md5: 0x0e33_842e_24a9_c977_be4e_0107_933c_0723_u128.to_be_bytes(),
        limits: [10 * MIB, 4 * MIB],
    },
    MovieLens {
        name: "ml-1m",
        entry: "ml-1m/ratings.dat",
        md5: 0xc4d9_eecf_ca2a_b87c_1945_afe1_2659_0906_u128.to_be_bytes(),
        limits: [12 * MIB, 50 * MIB],
    },
    MovieLens {
        name: "ml-10m",
        entry: "ml-10M100K/ratings.dat",
        md5: 0xce57_1fd5_5eff_eba0_2715_5257_8f26_48bd_u128.to_be_bytes(),
        limits: [130 * MIB, 530 * MIB],
    },
    MovieLens {
        name: "ml-25m",
        entry: "ml-25m/ratings.csv",
        md5: 0x6b51_fb27_59a8_657d_3bfc_bfc4_2b59_2ada_u128.to_be_bytes(),
        limits: [525 * MIB, 1400 * MIB],
    },
];

const AMAZON_2014: [&str; 24] = [
    "Amazon_Instant_Video",
    "Apps_for_Android",
    "Automotive",
    "Baby",
    "Beauty",
    "Books",
    "CDs_and_Vinyl",
    "Cell_Phones_and_Accessories",
    "Clothing_Shoes_and_Jewelry",
    "Digital_Music",
    "Electronics",
    "Grocery_and_Gourmet_Food",
    "Health_and_Personal_Care",
    "Home_and_Kitchen",
    "Kindle_Store",
    "Movies_and_TV",
    "Musical_Instruments",
    "Office_Products",
    "Patio_Lawn_and_Garden",
    "Pet_Supplies",
    "Sports_and_Outdoors",
    "Tools_and_Home_Improvement",
    "Toys_and_Games",
    "Video_Games",
];

const AMAZON_2018: [&str; 29] = [
    "AMAZON_FASHION",
    "All_Beauty",
    "Appliances",
    "Arts_Crafts_and_Sewing",
    "Automotive",
    "Books",
    "CDs_and_Vinyl",
    "Cell_Phones_and_Accessories",
    "Clothing_Shoes_and_Jewelry",
    "Digital_Music",
    "Electronics",
    "Gift_Cards",
    "Grocery_and_Gourmet_Food",
    "Home_and_Kitchen",
    "Industrial_and_Scientific",
    "Kindle_Store",
    "Luxury_Beauty",
    "Magazine_Subscriptions",
    "Movies_and_TV",
    "Musical_Instruments",
    "Office_Products",
    "Patio_Lawn_and_Garden",
    "Pet_Supplies",
    "Prime_Pantry",
    "Software",
    "Sports_and_Outdoors",
    "Tools_and_Home_Improvement",
    "Toys_and_Games",
    "Video_Games",
];

const AMAZON_2014_AT: &str = "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles";
const AMAZON_2018_AT: &str = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2/categoryFilesSmall";

/// All sets with their names.
pub fn all() -> Vec<(String, DataSet)> {
    let movielens = MOVIELENS.iter().map(|set| {
        let published = Published {
            url: format!("https://files.grouplens.org/datasets/movielens/{}.zip", set.name),
            checksum: Some(Checksum::Md5(set.md5)),
            limit: set.limits[0],
            entry: Some(Entry { name: set.entry, limit: set.limits[1] }),
            options: Vec::new(),
        };
        (set.name.to_owned(), DataSet::Open(published))
    });
    let amazon = |name: String, url: String, limit: u64, options: &[&str]| {
        let options = options.iter().copied().map(str::to_owned).collect();
        (name, DataSet::Open(Published { url, checksum: None, limit, entry: None, options }))
    };
    let older = AMAZON_2014.iter().flat_map(|category| {
        let name = format!("amazon-{}", hyphenated(category));
        [
            amazon(name.clone(), format!("{AMAZON_2014_AT}/ratings_{category}.csv"), 4 * GIB, &[]),
            amazon(name + "-5core", format!("{AMAZON_2014_AT}/reviews_{category}_5.json.gz"), 16 * GIB, &[]),
        ]
    });
    // Ratings of 2018 have the item before the user.
    let swapped = ["--item-column", "1", "--user-column", "2", "--time-column", "4"];
    let newer = AMAZON_2018.iter().flat_map(|category| {
        let name = format!("amazon-2018-{}", hyphenated(category));
        [
            amazon(name.clone(), format!("{AMAZON_2018_AT}/{category}.csv"), 8 * GIB, &swapped),
            amazon(name + "-5core", format!("{AMAZON_2018_AT}/{category}_5.json.gz"), 32 * GIB, &[]),
        ]
    });
    let yelp = DataSet::Closed {
        page: "https://business.yelp.com/data/resources/open-dataset/",
        file: "yelp_academic_dataset_review.json",
    };
    movielens.chain(older).chain(newer).chain([("yelp".to_owned(), yelp)]).collect()
}

/// The set of this name.
pub fn find(name: &str) -> Option<DataSet> {
    all().into_iter().find(|(known, _)| known == name).map(|(_, set)| set)
}

fn hyphenated(category: &str) -> String {
    let name = category.to_ascii_lowercase().replace('_', "-");
    // Said once is enough.
    name.trim_start_matches("amazon-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_addresses_are_safe() {
        let all = all();
        let names: HashSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for (name, set) in &all {
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
            if let DataSet::Open(set) = set {
                assert!(set.url.starts_with("https://") && !set.file_name().is_empty(), "{name}");
            }
        }
    }

    #[test]
    fn the_sets_that_papers_use() {
        let open = |name: &str| match find(name) {
            Some(DataSet::Open(set)) => set,
            other => panic!("{name}: {other:?}"),
        };
        let smallest = open("ml-100k");
        assert_eq!(smallest.file_name(), "ml-100k.zip");
        assert_eq!(smallest.checksum.unwrap().hex(), "0e33842e24a9c977be4e0107933c0723");
        assert!(open("amazon-books").url.ends_with("/ratings_Books.csv"));
        assert!(open("amazon-books-5core").url.ends_with("/reviews_Books_5.json.gz"));
        assert_eq!(open("amazon-2018-books").options[..2], ["--item-column", "1"]);
        assert!(open("amazon-2018-fashion-5core").url.ends_with("/AMAZON_FASHION_5.json.gz"));
        assert!(matches!(find("yelp"), Some(DataSet::Closed { .. })));
        assert_eq!(find("yelp/.."), None);
    }
}
